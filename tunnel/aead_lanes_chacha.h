#pragma once
// The state of ChaCha20 (RFC 8439 section 2.3) for the lanes of a pass, word by word: word[w][lane].
//     0..3 constants   4..11 key   12 block counter   13..15 nonce: zero, then the message counter

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tunnel/aead_lanes_packing.h"

namespace isthmus::tunnel {

// As many lanes as a register has words. A pass has two of them.
template <std::size_t kHalf>
struct ChachaWords {
  alignas(64) std::uint32_t word[16][kHalf];
};

// The state before the rounds. Rows that do not change from one pass to the next are left as they are.
template <class Isa>
class ChachaState {
 public:
  static constexpr std::size_t kHalf = Isa::kHalf;
  using Words = ChachaWords<kHalf>;

  ChachaState() {
    constexpr std::uint32_t kConstants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (Words& half : words_) {
      for (std::size_t w = 0; w < 4; ++w) fill(half.word[w], kConstants[w]);
    }
  }

  const Words* words() const { return words_; }

  // Keys are known by their place while a burst lasts; the next one may find another key there.
  void begin_burst() { loaded_[0] = loaded_[1] = nullptr; }

  void load(const Lanes<Isa>& lanes, std::size_t halves) {
    for (std::size_t h = 0; h < halves; ++h) {
      const std::size_t at = h * kHalf;
      std::memcpy(words_[h].word[12], lanes.block + at, sizeof(words_[h].word[12]));
      std::memcpy(words_[h].word[14], lanes.counter_low + at, sizeof(words_[h].word[14]));
      std::memcpy(words_[h].word[15], lanes.counter_high + at, sizeof(words_[h].word[15]));
      load_keys(h, lanes.key + at);
    }
  }

  void wipe_keys(std::size_t halves) {
    for (std::size_t h = 0; h < halves; ++h) Isa::wipe(words_[h].word[4], sizeof(words_[h].word[4]) * 8);
  }

 private:
  static void fill(std::uint32_t* row, std::uint32_t value) {
    for (std::size_t lane = 0; lane < kHalf; ++lane) row[lane] = value;
  }

  void load_keys(std::size_t h, const std::uint8_t* const* keys) {
    std::uint64_t differing = 0;
    for (std::size_t lane = 0; lane < kHalf; ++lane) {
      differing |= reinterpret_cast<std::uintptr_t>(keys[lane]) ^ reinterpret_cast<std::uintptr_t>(keys[0]);
    }
    if (differing != 0) {
      Isa::Chacha::transpose_keys(keys, words_[h]);
      loaded_[h] = nullptr;
    } else if (loaded_[h] != keys[0]) {
      loaded_[h] = keys[0];
      std::uint32_t key[8];
      std::memcpy(key, keys[0], sizeof(key));
      for (std::size_t w = 0; w < 8; ++w) fill(words_[h].word[4 + w], key[w]);
    }
  }

  Words words_[2] = {};
  const std::uint8_t* loaded_[2] = {};  // the key that all lanes of a half have, if there is one
};

}  // namespace isthmus::tunnel
