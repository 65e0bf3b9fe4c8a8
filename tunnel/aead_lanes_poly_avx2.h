#pragma once
// Arithmetic modulo p = 2^130 - 5 (RFC 8439 section 2.5) in four 64-bit lanes with AVX2, which multiplies 32-bit
// numbers. A number is five limbs of 26 bits.

#ifdef __AVX2__  // only the files that are compiled for it see this

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "tunnel/aead_lanes_mac.h"

namespace isthmus::tunnel {

struct PolyAvx2 {
  static constexpr std::size_t kLanes = 4;
  static constexpr std::size_t kLimbs = 5;
  using Vector = __m256i;

  // Limbs may exceed their width by a few bits between steps.
  struct Number {
    Vector limb[5];
  };
  // What is multiplied by, with the limbs that wrap around: 2^130 = 5 (mod p).
  struct Multiplier {
    Vector limb[5];
    Vector wrapped[5];  // 5 times the limb; [0] is not used
  };
  // Four blocks of 16 bytes a lane, as their low and high 64 bits.
  struct Chunk {
    Vector low[4];
    Vector high[4];
  };

  // The bit above a block (RFC 8439 section 2.5.1), where it stands in the highest limb.
  static constexpr std::uint64_t kBlockBit = std::uint64_t{1} << 24;

  static Vector all(std::uint64_t value) { return _mm256_set1_epi64x(static_cast<long long>(value)); }
  static Vector load(const void* from) { return _mm256_loadu_si256(static_cast<const Vector*>(from)); }
  static void store(std::uint64_t* lanes, Vector value) {
    _mm256_storeu_si256(reinterpret_cast<Vector*>(lanes), value);
  }

  static Number zero() { return {{all(0), all(0), all(0), all(0), all(0)}}; }
  static Number number(const Multiplier& m) { return {{m.limb[0], m.limb[1], m.limb[2], m.limb[3], m.limb[4]}}; }

  [[gnu::always_inline]] static Number split(Vector low, Vector high, Vector block_bit) {
    const Vector mask = all(kMask26);
    const Vector middle = _mm256_or_si256(_mm256_srli_epi64(low, 52), _mm256_slli_epi64(high, 12));
    return {{_mm256_and_si256(low, mask), _mm256_and_si256(_mm256_srli_epi64(low, 26), mask),
             _mm256_and_si256(middle, mask), _mm256_and_si256(_mm256_srli_epi64(high, 14), mask),
             _mm256_or_si256(_mm256_srli_epi64(high, 40), block_bit)}};
  }

  // The first half of a one-time key (RFC 8439 section 2.5.1).
  static Number clamped(Vector low, Vector high) {
    return split(_mm256_and_si256(low, all(0x0ffffffc0fffffff)), _mm256_and_si256(high, all(0x0ffffffc0ffffffc)),
                 all(0));
  }

  [[gnu::always_inline]] static Multiplier multiplier(const Number& n) {
    Multiplier m;
    for (std::size_t i = 0; i < 5; ++i) {
      m.limb[i] = n.limb[i];
      m.wrapped[i] = five_times(n.limb[i]);
    }
    return m;
  }

  static Number add(const Number& a, const Number& b) {
    Number sum;
    for (std::size_t i = 0; i < 5; ++i) sum.limb[i] = add(a.limb[i], b.limb[i]);
    return sum;
  }
  static Number select(Vector mask, const Number& yes, const Number& no) {
    Number result;
    for (std::size_t i = 0; i < 5; ++i) result.limb[i] = _mm256_blendv_epi8(no.limb[i], yes.limb[i], mask);
    return result;
  }

  [[gnu::always_inline]] static Number multiply(const Number& n, const Multiplier& by) {
    Product product;
    product.add(n, by);
    return product.carried();
  }

  // h = (...((h + block) * r + block) * r ...) * r over kBlocks blocks, at the price of one carry: the blocks are
  // multiplied by the powers r^kBlocks .. r, of which powers[i] is r^(i + 1).
  template <std::size_t kFirst, std::size_t kBlocks>
  [[gnu::always_inline]] static void absorb(Number& h, const Chunk& chunk, const BlockBits<kLanes>& bits,
                                            const Multiplier* powers) {
    Product product;
    for (std::size_t i = 1; i < kBlocks; ++i) {
      const std::size_t at = kFirst + i;
      product.add(split(chunk.low[at], chunk.high[at], load(bits.of[at])), powers[kBlocks - 1 - i]);
    }
    product.add(add(h, split(chunk.low[kFirst], chunk.high[kFirst], load(bits.of[kFirst]))), powers[kBlocks - 1]);
    h = product.carried();
  }

  // Rows of 64 bytes, transposed.
  [[gnu::always_inline]] static Chunk load_rows(const std::uint8_t* const* rows) {
    Chunk chunk;
    for (std::size_t i = 0; i < 4; ++i) {
      const Vector even = two_blocks(rows[0] + kPolyBlock * i, rows[2] + kPolyBlock * i);
      const Vector odd = two_blocks(rows[1] + kPolyBlock * i, rows[3] + kPolyBlock * i);
      chunk.low[i] = _mm256_unpacklo_epi64(even, odd);
      chunk.high[i] = _mm256_unpackhi_epi64(even, odd);
    }
    return chunk;
  }

  // The tag (RFC 8439 section 2.5.1, the end): h reduced completely, plus s modulo 2^128.
  static void finish(const Number& n, Vector s_low, Vector s_high, std::uint64_t* low, std::uint64_t* high) {
    Vector h[5] = {n.limb[0], n.limb[1], n.limb[2], n.limb[3], n.limb[4]};
    for (std::size_t i = 1; i < 4; ++i) carry(h[i], h[i + 1]);
    wrap_around(h);
    for (std::size_t i = 0; i < 4; ++i) carry(h[i], h[i + 1]);
    // h - p = h + 5 - 2^130, which is not negative exactly when h was not below p.
    Vector g[5] = {add(h[0], all(5)), h[1], h[2], h[3], h[4]};
    for (std::size_t i = 0; i < 4; ++i) carry(g[i], g[i + 1]);
    g[4] = _mm256_sub_epi64(g[4], all(std::uint64_t{1} << 26));
    const Vector keep_h = _mm256_cmpgt_epi64(all(0), g[4]);
    for (std::size_t i = 0; i < 5; ++i) h[i] = _mm256_blendv_epi8(g[i], h[i], keep_h);
    const Vector h_low = add(add(h[0], _mm256_slli_epi64(h[1], 26)), _mm256_slli_epi64(h[2], 52));
    const Vector h_high =
        add(add(_mm256_srli_epi64(h[2], 12), _mm256_slli_epi64(h[3], 14)), _mm256_slli_epi64(h[4], 40));
    const Vector sum_low = add(h_low, s_low);
    // There are signed comparisons only. One that is true is -1, and the carry is to be added.
    const Vector sign = all(std::uint64_t{1} << 63);
    const Vector carried = _mm256_cmpgt_epi64(_mm256_xor_si256(h_low, sign), _mm256_xor_si256(sum_low, sign));
    store(low, sum_low);
    store(high, _mm256_sub_epi64(add(h_high, s_high), carried));
  }

 private:
  static constexpr std::uint64_t kMask26 = (std::uint64_t{1} << 26) - 1;

  static Vector add(Vector a, Vector b) { return _mm256_add_epi64(a, b); }
  static Vector five_times(Vector a) { return add(a, _mm256_slli_epi64(a, 2)); }

  static Vector two_blocks(const std::uint8_t* first, const std::uint8_t* second) {
    const auto at = [](const std::uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); };
    return _mm256_inserti128_si256(_mm256_castsi128_si256(at(first)), at(second), 1);
  }

  static void carry(Vector& from, Vector& to) {
    to = add(to, _mm256_srli_epi64(from, 26));
    from = _mm256_and_si256(from, all(kMask26));
  }
  static void wrap_around(Vector (&limb)[5]) {
    limb[0] = add(limb[0], five_times(_mm256_srli_epi64(limb[4], 26)));
    limb[4] = _mm256_and_si256(limb[4], all(kMask26));
  }

  // A sum of products. Twenty of them, of 27 and 29 bits, fit with room to spare.
  struct Product {
    Vector limb[5] = {all(0), all(0), all(0), all(0), all(0)};

    [[gnu::always_inline]] void add(const Number& n, const Multiplier& by) {
      for (std::size_t i = 0; i < 5; ++i) {
        for (std::size_t j = 0; j < 5; ++j) {
          const std::size_t k = (i + j) % 5;
          limb[k] = PolyAvx2::add(limb[k], _mm256_mul_epu32(n.limb[i], i + j < 5 ? by.limb[j] : by.wrapped[j]));
        }
      }
    }
    // Two chains of carries side by side.
    [[gnu::always_inline]] Number carried() {
      carry(limb[0], limb[1]);
      carry(limb[3], limb[4]);
      carry(limb[1], limb[2]);
      wrap_around(limb);
      carry(limb[2], limb[3]);
      carry(limb[0], limb[1]);
      carry(limb[3], limb[4]);
      return {{limb[0], limb[1], limb[2], limb[3], limb[4]}};
    }
  };
};

}  // namespace isthmus::tunnel

#endif
