#pragma once
// Poly1305 (RFC 8439 section 2.5) of several messages at once, one or more lanes a message. Lanes advance in chunks of
// four blocks and are aligned to the end of their bytes: a lane with fewer chunks starts later, with h = 0, and reads
// zeros without the block bit until then, so that no lane ever has to be masked out of the arithmetic.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tunnel/aead_lanes_burst.h"

namespace isthmus::tunnel {

inline constexpr std::size_t kPolyBlock = 16;
inline constexpr std::size_t kPolyChunk = 64;

// What an implementation needs beside the burst; kept in its scratch, because all of it is secret.
template <class Isa>
struct MacKeys {
  // The one-time keys of the burst: low and high half of r, then of s.
  alignas(64) std::uint64_t r_low[LanesBurst::kRoom];
  alignas(64) std::uint64_t r_high[LanesBurst::kRoom];
  alignas(64) std::uint64_t s_low[LanesBurst::kRoom];
  alignas(64) std::uint64_t s_high[LanesBurst::kRoom];

  // The columns of the first messages, in whole lines.
  void wipe(std::size_t messages) {
    const std::size_t bytes = (std::min(messages, LanesBurst::kRoom) * sizeof(r_low[0]) + 63) / 64 * 64;
    for (std::uint64_t* column : {r_low, r_high, s_low, s_high}) Isa::wipe(column, bytes);
  }
};

// The bit above a block (RFC 8439 section 2.5.1), or zero, for the four blocks of a chunk.
template <std::size_t kLanes>
struct BlockBits {
  alignas(64) std::uint64_t of[4][kLanes];
};

// Where the bytes of kGroups vectors of lanes come from.
template <class Isa, std::size_t kGroups>
class MacRows {
 public:
  static constexpr std::size_t kLanes = kGroups * Isa::Poly::kLanes;

  // A lane's bytes end at `end`, rounded up to a whole block, of which `padding` bytes are not there; `bytes`, which
  // counts them, may exceed what the chunks of this lane cover when the lane has but a part of the message.
  void set(std::size_t lane, const std::uint8_t* end, std::int64_t bytes, std::int64_t padding) {
    end_[lane] = end;
    bytes_[lane] = bytes;
    padding_[lane] = padding;
  }

  // Makes ready for `chunks` steps. Chunks before first_plain() lack bytes in some lane, as do those from end_plain()
  // on.
  void begin(std::int64_t chunks) {
    chunks_ = chunks;
    std::int64_t whole = chunks, padding = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      whole = std::min(whole, bytes_[lane] / static_cast<std::int64_t>(kPolyChunk));
      padding |= padding_[lane];
    }
    first_plain_ = chunks - whole;
    end_plain_ = chunks - (padding != 0 ? 1 : 0);
  }
  std::int64_t first_plain() const { return first_plain_; }
  std::int64_t end_plain() const { return end_plain_; }

  void rows_of_plain(std::int64_t chunk, const std::uint8_t** rows) const {
    for (std::size_t lane = 0; lane < kLanes; ++lane) rows[lane] = end_[lane] - back(chunk);
  }

  // Rows of a chunk that lacks bytes somewhere, and the block bits that it has.
  void rows_of_any(std::int64_t chunk, const std::uint8_t** rows, BlockBits<Isa::Poly::kLanes>* bits) {
    constexpr auto kChunk = static_cast<std::int64_t>(kPolyChunk);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::int64_t start = bytes_[lane] - back(chunk);  // within the message
      const std::int64_t from = std::max<std::int64_t>(start, 0);
      const std::int64_t to = std::min(start + kChunk, bytes_[lane] - padding_[lane]);
      rows[lane] = to - from == kChunk ? end_[lane] - back(chunk) : slot_[lane];
      if (to - from != kChunk) fill_slot(lane, from - start, end_[lane] - bytes_[lane] + from, to - from);
      for (std::size_t block = 0; block < 4; ++block) {
        const bool present = start + static_cast<std::int64_t>(kPolyBlock * block) >= 0;
        bits[lane / Isa::Poly::kLanes].of[block][lane % Isa::Poly::kLanes] = present ? Isa::Poly::kBlockBit : 0;
      }
    }
  }

 private:
  std::int64_t back(std::int64_t chunk) const { return static_cast<std::int64_t>(kPolyChunk) * (chunks_ - chunk); }

  void fill_slot(std::size_t lane, std::int64_t at, const std::uint8_t* from, std::int64_t bytes) {
    if (bytes > 0) {
      Isa::load_part(slot_[lane], static_cast<std::size_t>(at), from, static_cast<std::size_t>(bytes));
    } else {
      std::memset(slot_[lane], 0, kPolyChunk);
    }
  }

  const std::uint8_t* end_[kLanes];
  std::int64_t bytes_[kLanes];
  std::int64_t padding_[kLanes];
  std::int64_t chunks_ = 0;
  std::int64_t first_plain_ = 0;
  std::int64_t end_plain_ = 0;
  alignas(64) std::uint8_t slot_[kLanes][kPolyChunk];
};

// The sums of kGroups vectors of lanes, interleaved so that the groups fill each other's waiting times.
template <class Isa, std::size_t kGroups, std::size_t kPowers>
class MacSums {
 public:
  using Poly = typename Isa::Poly;
  using Number = typename Poly::Number;
  using Multiplier = typename Poly::Multiplier;
  using Rows = MacRows<Isa, kGroups>;
  static constexpr std::size_t kLanes = Poly::kLanes;
  using Bits = BlockBits<kLanes>;

  MacSums() = default;
  MacSums(const MacSums&) = delete;
  MacSums& operator=(const MacSums&) = delete;
  ~MacSums() {
    Isa::wipe(power_, sizeof(power_));
    Isa::wipe(h_, sizeof(h_));
  }

  // r as low and high halves, a lane each; sums begin at zero.
  void begin(const std::uint64_t* r_low, const std::uint64_t* r_high) {
    for (std::size_t g = 0; g < kGroups; ++g) {
      const Number r = Poly::clamped(Poly::load(r_low + g * kLanes), Poly::load(r_high + g * kLanes));
      power_[g][0] = Poly::multiplier(r);
      Number power = r;
      for (std::size_t i = 1; i < kPowers; ++i) {
        power = Poly::multiply(power, power_[g][0]);
        power_[g][i] = Poly::multiplier(power);
      }
      h_[g] = Poly::zero();
    }
  }

  void absorb(Rows& rows, std::int64_t chunks) {
    rows.begin(chunks);
    std::int64_t chunk = 0;
    for (; chunk < rows.first_plain(); ++chunk) absorb_any(rows, chunk);
    for (; chunk < rows.end_plain(); ++chunk) absorb_plain(rows, chunk);
    for (; chunk < chunks; ++chunk) absorb_any(rows, chunk);
  }

  // The last block: the lengths of the associated data, of which there is none, and of the text (RFC 8439 section 2.8).
  void absorb_length(const std::uint64_t* length) {
    for (std::size_t g = 0; g < kGroups; ++g) {
      typename Poly::Chunk chunk;
      chunk.low[0] = Poly::all(0);
      chunk.high[0] = Poly::load(length + g * kLanes);
      Poly::template absorb<0, 1>(h_[g], chunk, kAllBits, power_[g]);
    }
  }

  void finish(const std::uint64_t* s_low, const std::uint64_t* s_high, std::uint64_t* low, std::uint64_t* high) const {
    for (std::size_t g = 0; g < kGroups; ++g) {
      const std::size_t at = g * kLanes;
      Poly::finish(h_[g], Poly::load(s_low + at), Poly::load(s_high + at), low + at, high + at);
    }
  }

  // For lanes that hold parts of messages: adds the parts up. `part[lane]` counts from the end of its message, each
  // part but the last being `chunks` long, so a lane's sum has to be multiplied by r^(4 * chunks * part). Message i is
  // in lane i afterwards.
  void join(std::int64_t chunks, std::size_t lanes, const std::uint8_t* message, const std::uint8_t* part) {
    const unsigned last_part = *std::max_element(part, part + lanes);
    Number weight = raised(chunks);
    for (unsigned bit = 1; bit <= last_part; bit *= 2) {
      alignas(64) std::uint64_t mask[kLanes] = {};
      for (std::size_t lane = 0; lane < lanes; ++lane) mask[lane] = (part[lane] & bit) != 0 ? ~std::uint64_t{0} : 0;
      const Multiplier by = Poly::multiplier(weight);
      h_[0] = Poly::select(Poly::load(mask), Poly::multiply(h_[0], by), h_[0]);
      weight = Poly::multiply(weight, by);
    }
    alignas(64) std::uint64_t limbs[Poly::kLimbs][kLanes], sums[Poly::kLimbs][kLanes] = {};
    for (std::size_t i = 0; i < Poly::kLimbs; ++i) {
      Poly::store(limbs[i], h_[0].limb[i]);
      for (std::size_t lane = 0; lane < lanes; ++lane) sums[i][message[lane]] += limbs[i][lane];
      h_[0].limb[i] = Poly::load(sums[i]);
    }
  }

  // From now on the lanes have other messages' r.
  void change_r(const std::uint64_t* r_low, const std::uint64_t* r_high) {
    power_[0][0] = Poly::multiplier(Poly::clamped(Poly::load(r_low), Poly::load(r_high)));
  }

 private:
  // r^(4 * exponent), by squaring and multiplying; the exponent is public.
  Number raised(std::int64_t exponent) const {
    const Multiplier& base = power_[0][3];
    Number result = Poly::number(base);
    for (std::int64_t bit = std::bit_floor(static_cast<std::uint64_t>(exponent)); (bit /= 2) != 0;) {
      result = Poly::multiply(result, Poly::multiplier(result));
      if ((exponent & bit) != 0) result = Poly::multiply(result, base);
    }
    return result;
  }

  static constexpr Bits kAllBits = [] {
    Bits all{};
    for (auto& block : all.of) {
      for (std::uint64_t& bit : block) bit = Poly::kBlockBit;
    }
    return all;
  }();

  void absorb_chunk(std::size_t g, const std::uint8_t* const* rows, const Bits& bits) {
    const typename Poly::Chunk chunk = Poly::load_rows(rows + g * kLanes);
    if constexpr (kPowers == 4) {
      Poly::template absorb<0, 4>(h_[g], chunk, bits, power_[g]);
    } else {
      Poly::template absorb<0, 2>(h_[g], chunk, bits, power_[g]);
      Poly::template absorb<2, 2>(h_[g], chunk, bits, power_[g]);
    }
  }
  void absorb_plain(Rows& rows, std::int64_t chunk) {
    const std::uint8_t* row[Rows::kLanes];
    rows.rows_of_plain(chunk, row);
    for (std::size_t g = 0; g < kGroups; ++g) absorb_chunk(g, row, kAllBits);
  }
  void absorb_any(Rows& rows, std::int64_t chunk) {
    const std::uint8_t* row[Rows::kLanes];
    Bits bits[kGroups];
    rows.rows_of_any(chunk, row, bits);
    for (std::size_t g = 0; g < kGroups; ++g) absorb_chunk(g, row, bits[g]);
  }

  alignas(64) Multiplier power_[kGroups][kPowers];
  alignas(64) Number h_[kGroups];
};

}  // namespace isthmus::tunnel
