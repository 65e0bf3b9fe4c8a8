#include "tunnel/blake2s.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

#include "dataplane/packet/byte_order.h"
#include "tunnel/crypto.h"

namespace isthmus::tunnel {
namespace {

using State = std::array<std::uint32_t, 8>;
using Words = std::array<std::uint32_t, 16>;

// Section 2.6
constexpr State kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
// Section 2.7
constexpr std::uint8_t kSigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

// Section 3.1
[[gnu::always_inline]] inline void mix(Words& v, std::size_t a, std::size_t b, std::size_t c, std::size_t d,
                                       std::uint32_t x, std::uint32_t y) {
  v[a] += v[b] + x;
  v[d] = std::rotr(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 12);
  v[a] += v[b] + y;
  v[d] = std::rotr(v[d] ^ v[a], 8);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 7);
}

template <std::size_t kRound>
[[gnu::always_inline]] inline void mix_round(Words& v, const Words& m) {
  constexpr const auto& kOrder = kSigma[kRound];
  mix(v, 0, 4, 8, 12, m[kOrder[0]], m[kOrder[1]]);
  mix(v, 1, 5, 9, 13, m[kOrder[2]], m[kOrder[3]]);
  mix(v, 2, 6, 10, 14, m[kOrder[4]], m[kOrder[5]]);
  mix(v, 3, 7, 11, 15, m[kOrder[6]], m[kOrder[7]]);
  mix(v, 0, 5, 10, 15, m[kOrder[8]], m[kOrder[9]]);
  mix(v, 1, 6, 11, 12, m[kOrder[10]], m[kOrder[11]]);
  mix(v, 2, 7, 8, 13, m[kOrder[12]], m[kOrder[13]]);
  mix(v, 3, 4, 9, 14, m[kOrder[14]], m[kOrder[15]]);
}

// Section 3.2; `counted` is the number of bytes so far, this block's included.
void compress(State& state, const std::uint8_t* block, std::uint64_t counted, bool last) {
  Words m;
  for (std::size_t i = 0; i < m.size(); ++i) {
    Little32 word;
    std::memcpy(&word, block + 4 * i, sizeof(word));
    m[i] = word;
  }
  Words v;
  std::ranges::copy(state, v.begin());
  std::ranges::copy(kInitial, v.begin() + 8);
  v[12] ^= static_cast<std::uint32_t>(counted);
  v[13] ^= static_cast<std::uint32_t>(counted >> 32);
  if (last) v[14] = ~v[14];
  [&]<std::size_t... kRound>(std::index_sequence<kRound...>) { (mix_round<kRound>(v, m), ...); }
  (std::make_index_sequence<10>{});
  for (std::size_t i = 0; i < state.size(); ++i) state[i] ^= v[i] ^ v[i + 8];
}

}  // namespace

Blake2s::Blake2s(std::size_t output, std::span<const std::uint8_t> key) : state_(kInitial) {
  assert(output >= 1 && output <= kMaxOutput && key.size() <= kMaxOutput);
  // Section 2.5: no salt, no tree, the key's length and the output's. A key is a block of its own (section 2.9).
  state_[0] ^= 0x01010000U ^ static_cast<std::uint32_t>(key.size() << 8) ^ static_cast<std::uint32_t>(output);
  if (key.empty()) return;
  std::ranges::copy(key, block_.begin());
  filled_ = kBlock;
}

Blake2s::~Blake2s() {
  wipe({reinterpret_cast<std::uint8_t*>(state_.data()), sizeof(state_)});
  wipe(block_);
}

bool Blake2s::operator==(const Blake2s& other) const {
  const auto bytes = [](const State& state) {
    return Bytes(reinterpret_cast<const std::uint8_t*>(state.data()), sizeof(state));
  };
  const bool same_text = counted_ == other.counted_ && filled_ == other.filled_;
  return same_text && equal_constant_time(bytes(state_), bytes(other.state_)) &&
         equal_constant_time(block_, other.block_);
}

void Blake2s::update(std::span<const std::uint8_t> input) {
  while (!input.empty()) {
    if (filled_ == kBlock) compress_block();
    const std::size_t taken = std::min(kBlock - filled_, input.size());
    std::memcpy(block_.data() + filled_, input.data(), taken);
    filled_ += taken;
    input = input.subspan(taken);
  }
}

// What has been compressed may be a key: nothing is left of it.
void Blake2s::absorb() {
  if (filled_ == kBlock) compress_block();
  wipe(block_);
}

void Blake2s::compress_block() {
  counted_ += kBlock;
  compress(state_, block_.data(), counted_, false);
  filled_ = 0;
}

void Blake2s::finish(std::span<std::uint8_t> output) {
  assert(output.size() <= kMaxOutput);
  std::fill(block_.begin() + static_cast<std::ptrdiff_t>(filled_), block_.end(), std::uint8_t{0});
  compress(state_, block_.data(), counted_ + filled_, true);
  std::array<Little32, 8> words;
  std::ranges::copy(state_, words.begin());
  std::memcpy(output.data(), words.data(), output.size());
}

}  // namespace isthmus::tunnel
