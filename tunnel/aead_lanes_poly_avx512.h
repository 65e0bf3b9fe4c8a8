#pragma once
// Arithmetic modulo p = 2^130 - 5 (RFC 8439 section 2.5) in eight 64-bit lanes with IFMA, which multiplies 52-bit
// numbers and adds the low or the high 52 bits of the product. A number is three limbs of 44, 44 and 42 bits.

#ifdef __AVX512IFMA__  // only the files that are compiled for it see this

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "tunnel/aead_lanes_mac.h"

namespace isthmus::tunnel {

struct PolyAvx512 {
  static constexpr std::size_t kLanes = 8;
  using Vector = __m512i;

  // Limbs may exceed their width by a few bits between steps.
  struct Number {
    Vector limb[3];
  };
  // What is multiplied by, with the limbs that wrap around: 2^132 = 4 * 2^130 = 20 (mod p).
  struct Multiplier {
    Vector limb[3];
    Vector wrapped[3];  // 20 times the limb; [0] is not used
  };
  // Four blocks of 16 bytes a lane, as their low and high 64 bits.
  struct Chunk {
    Vector low[4];
    Vector high[4];
  };

  static Vector all(std::uint64_t value) { return _mm512_set1_epi64(static_cast<long long>(value)); }
  static Vector load(const std::uint64_t* lanes) { return _mm512_loadu_si512(lanes); }
  static void store(std::uint64_t* lanes, Vector value) { _mm512_storeu_si512(lanes, value); }

  static Number zero() { return {{all(0), all(0), all(0)}}; }
  static Number number(const Multiplier& m) { return {{m.limb[0], m.limb[1], m.limb[2]}}; }

  // The bit above a block (RFC 8439 section 2.5.1), where it stands in the highest limb.
  static constexpr std::uint64_t kBlockBit = std::uint64_t{1} << 40;
  static constexpr std::size_t kLimbs = 3;

  [[gnu::always_inline]] static Number split(Vector low, Vector high, Vector block_bit) {
    return {{_mm512_and_si512(low, all(kMask44)), _mm512_and_si512(_mm512_shrdi_epi64(low, high, 44), all(kMask44)),
             _mm512_or_si512(_mm512_srli_epi64(high, 24), block_bit)}};
  }

  // The first half of a one-time key (RFC 8439 section 2.5.1).
  static Number clamped(Vector low, Vector high) {
    return split(_mm512_and_si512(low, all(0x0ffffffc0fffffff)), _mm512_and_si512(high, all(0x0ffffffc0ffffffc)),
                 all(0));
  }

  [[gnu::always_inline]] static Multiplier multiplier(const Number& n) {
    return {{n.limb[0], n.limb[1], n.limb[2]}, {all(0), twenty_times(n.limb[1]), twenty_times(n.limb[2])}};
  }

  static Number add(const Number& a, const Number& b) {
    return {{add(a.limb[0], b.limb[0]), add(a.limb[1], b.limb[1]), add(a.limb[2], b.limb[2])}};
  }
  static Number select(Vector mask, const Number& yes, const Number& no) {
    Number result;
    for (std::size_t i = 0; i < 3; ++i) result.limb[i] = _mm512_ternarylogic_epi64(mask, yes.limb[i], no.limb[i], 0xca);
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
    for (std::size_t half = 0; half < 2; ++half) {
      const std::size_t at = 32 * half;
      const Vector a = two_rows(rows[0] + at, rows[2] + at);
      const Vector b = two_rows(rows[1] + at, rows[3] + at);
      const Vector c = two_rows(rows[4] + at, rows[6] + at);
      const Vector d = two_rows(rows[5] + at, rows[7] + at);
      const Vector low_0123 = _mm512_unpacklo_epi64(a, b), high_0123 = _mm512_unpackhi_epi64(a, b);
      const Vector low_4567 = _mm512_unpacklo_epi64(c, d), high_4567 = _mm512_unpackhi_epi64(c, d);
      for (std::size_t i = 0; i < 2; ++i) {
        const bool second = i == 1;
        chunk.low[2 * half + i] = quarters(low_0123, low_4567, second);
        chunk.high[2 * half + i] = quarters(high_0123, high_4567, second);
      }
    }
    return chunk;
  }

  // The tag (RFC 8439 section 2.5.1, the end): h reduced completely, plus s modulo 2^128.
  static void finish(const Number& n, Vector s_low, Vector s_high, std::uint64_t* low, std::uint64_t* high) {
    Vector h0 = n.limb[0], h1 = n.limb[1], h2 = n.limb[2];
    const Vector mask44 = all(kMask44), mask42 = all(kMask42);
    const auto carry = [](Vector& from, Vector& to, Vector mask, int bits) {
      to = add(to, _mm512_srlv_epi64(from, all(static_cast<std::uint64_t>(bits))));
      from = _mm512_and_si512(from, mask);
    };
    carry(h1, h2, mask44, 44);
    const Vector above = _mm512_srli_epi64(h2, 42);
    h2 = _mm512_and_si512(h2, mask42);
    h0 = add(h0, five_times(above));
    carry(h0, h1, mask44, 44);
    carry(h1, h2, mask44, 44);
    // h - p = h + 5 - 2^130, which is not negative exactly when h was not below p.
    Vector g0 = add(h0, all(5)), g1 = h1, g2 = _mm512_sub_epi64(h2, all(std::uint64_t{1} << 42));
    carry(g0, g1, mask44, 44);
    carry(g1, g2, mask44, 44);
    const __mmask8 keep_g = _mm512_cmpge_epi64_mask(g2, all(0));
    h0 = _mm512_mask_mov_epi64(h0, keep_g, g0);
    h1 = _mm512_mask_mov_epi64(h1, keep_g, g1);
    h2 = _mm512_mask_mov_epi64(h2, keep_g, g2);
    const Vector h_low = _mm512_or_si512(h0, _mm512_slli_epi64(h1, 44));
    const Vector h_high = _mm512_or_si512(_mm512_srli_epi64(h1, 20), _mm512_slli_epi64(h2, 24));
    const Vector sum_low = add(h_low, s_low);
    const Vector sum_high = add(h_high, s_high);
    const __mmask8 carried = _mm512_cmplt_epu64_mask(sum_low, h_low);
    store(low, sum_low);
    store(high, _mm512_mask_add_epi64(sum_high, carried, sum_high, all(1)));
  }

 private:
  static constexpr std::uint64_t kMask44 = (std::uint64_t{1} << 44) - 1;
  static constexpr std::uint64_t kMask42 = (std::uint64_t{1} << 42) - 1;

  static Vector add(Vector a, Vector b) { return _mm512_add_epi64(a, b); }
  static Vector five_times(Vector a) { return add(a, _mm512_slli_epi64(a, 2)); }
  static Vector twenty_times(Vector a) { return _mm512_slli_epi64(five_times(a), 2); }

  static Vector half_row(const std::uint8_t* row) {
    return _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(row)));
  }
  static Vector two_rows(const std::uint8_t* first, const std::uint8_t* second) {
    return _mm512_inserti64x4(half_row(first), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(second)), 1);
  }
  static Vector quarters(Vector a, Vector b, bool odd) {
    return odd ? _mm512_shuffle_i64x2(a, b, 0xdd) : _mm512_shuffle_i64x2(a, b, 0x88);
  }

  // A sum of products: the low and the high 52 bits of the partial products, apart. Twelve of them fit with room to
  // spare.
  struct Product {
    Vector low[3] = {all(0), all(0), all(0)};
    Vector high[3] = {all(0), all(0), all(0)};

    void multiply_add(std::size_t limb, Vector a, Vector b) {
      low[limb] = _mm512_madd52lo_epu64(low[limb], a, b);
      high[limb] = _mm512_madd52hi_epu64(high[limb], a, b);
    }
    [[gnu::always_inline]] void add(const Number& n, const Multiplier& by) {
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
          multiply_add((i + j) % 3, n.limb[i], i + j < 3 ? by.limb[j] : by.wrapped[j]);
        }
      }
    }
    // 2^52 is 2^8 times the next limb's unit, and above the highest limb, of 42 bits, 2^10 times 2^130 = 5.
    [[gnu::always_inline]] Number carried() const {
      const Vector mask44 = all(kMask44), mask42 = all(kMask42);
      const Vector h1 =
          PolyAvx512::add(PolyAvx512::add(low[1], _mm512_slli_epi64(high[0], 8)), _mm512_srli_epi64(low[0], 44));
      const Vector h2 =
          PolyAvx512::add(PolyAvx512::add(low[2], _mm512_slli_epi64(high[1], 8)), _mm512_srli_epi64(h1, 44));
      const Vector above = PolyAvx512::add(_mm512_slli_epi64(high[2], 10), _mm512_srli_epi64(h2, 42));
      const Vector h0 = PolyAvx512::add(_mm512_and_si512(low[0], mask44), five_times(above));
      return {{_mm512_and_si512(h0, mask44), PolyAvx512::add(_mm512_and_si512(h1, mask44), _mm512_srli_epi64(h0, 44)),
               _mm512_and_si512(h2, mask42)}};
    }
  };
};

}  // namespace isthmus::tunnel

#endif
