#pragma once
// ChaCha20 for AVX2: eight lanes a register.

#ifdef __AVX2__  // only the files that are compiled for it see this

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "tunnel/aead_lanes_chacha.h"

namespace isthmus::tunnel {

struct ChachaAvx2 {
  static constexpr std::size_t kHalf = 8;
  using Words = ChachaWords<kHalf>;

  // Two states do not fit into sixteen registers, but the processor overlaps a double round of one with a double round
  // of the other, and that is worth more than the loads and stores between them: a round alone waits for itself most of
  // the time.
  static void rounds(const Words* state, Words* stream, std::size_t halves) {
    halves == 1 ? rounds_of<1>(state, stream) : rounds_of<2>(state, stream);
  }

  // Combines eight rows of 64 bytes with the key stream (RFC 8439 section 2.4). Unless kAll, some are null.
  template <bool kAll>
  static void apply(const Words& stream, std::uint8_t* const* rows) {
    for (std::size_t part = 0; part < 2; ++part) {
      __m256i x[8];
      for (std::size_t w = 0; w < 8; ++w) x[w] = load(stream.word[8 * part + w]);
      transpose(x);
      for (std::size_t lane = 0; lane < 8; ++lane) {
        if (!kAll && rows[lane] == nullptr) continue;
        std::uint8_t* const at = rows[lane] + 32 * part;
        store(at, _mm256_xor_si256(x[lane], load(at)));
      }
    }
  }

  static void transpose_keys(const std::uint8_t* const* keys, Words& state) {
    __m256i x[8];
    for (std::size_t lane = 0; lane < 8; ++lane) x[lane] = load(keys[lane]);
    transpose(x);
    for (std::size_t w = 0; w < 8; ++w) store(state.word[4 + w], x[w]);
  }

 private:
  using Vector = __m256i;

  static Vector load(const void* from) { return _mm256_loadu_si256(static_cast<const Vector*>(from)); }
  static void store(void* to, Vector value) { _mm256_storeu_si256(static_cast<Vector*>(to), value); }

  template <int kBits>
  static Vector rotated(Vector v) {
    if constexpr (kBits == 16) {
      const Vector order =
          _mm256_set_epi64x(0x0d0c0f0e09080b0a, 0x0504070601000302, 0x0d0c0f0e09080b0a, 0x0504070601000302);
      return _mm256_shuffle_epi8(v, order);
    } else if constexpr (kBits == 8) {
      const Vector order =
          _mm256_set_epi64x(0x0e0d0c0f0a09080b, 0x0605040702010003, 0x0e0d0c0f0a09080b, 0x0605040702010003);
      return _mm256_shuffle_epi8(v, order);
    } else {
      return _mm256_or_si256(_mm256_slli_epi32(v, kBits), _mm256_srli_epi32(v, 32 - kBits));
    }
  }

  // RFC 8439 section 2.1, two at a time: with sixteen registers four would not leave room for the rotations.
  static void quarter_rounds(Vector (&x)[16], std::size_t a, std::size_t b, std::size_t c, std::size_t d,
                             std::size_t a2, std::size_t b2, std::size_t c2, std::size_t d2) {
    half_quarter<16, 12>(x[a], x[b], x[c], x[d], x[a2], x[b2], x[c2], x[d2]);
    half_quarter<8, 7>(x[a], x[b], x[c], x[d], x[a2], x[b2], x[c2], x[d2]);
  }
  template <int kFirst, int kSecond>
  static void half_quarter(Vector& a, Vector& b, Vector& c, Vector& d, Vector& a2, Vector& b2, Vector& c2, Vector& d2) {
    a = _mm256_add_epi32(a, b);
    a2 = _mm256_add_epi32(a2, b2);
    d = rotated<kFirst>(_mm256_xor_si256(d, a));
    d2 = rotated<kFirst>(_mm256_xor_si256(d2, a2));
    c = _mm256_add_epi32(c, d);
    c2 = _mm256_add_epi32(c2, d2);
    b = rotated<kSecond>(_mm256_xor_si256(b, c));
    b2 = rotated<kSecond>(_mm256_xor_si256(b2, c2));
  }

  static void double_round(Vector (&x)[16]) {
    quarter_rounds(x, 0, 4, 8, 12, 1, 5, 9, 13);
    quarter_rounds(x, 2, 6, 10, 14, 3, 7, 11, 15);
    quarter_rounds(x, 0, 5, 10, 15, 1, 6, 11, 12);
    quarter_rounds(x, 2, 7, 8, 13, 3, 4, 9, 14);
  }

  template <std::size_t kHalves>
  static void rounds_of(const Words* state, Words* stream) {
    Vector x[kHalves][16];
    for (std::size_t h = 0; h < kHalves; ++h) {
      for (std::size_t w = 0; w < 16; ++w) x[h][w] = load(state[h].word[w]);
    }
#pragma GCC unroll 1
    for (int i = 0; i < 10; ++i) {
      for (std::size_t h = 0; h < kHalves; ++h) double_round(x[h]);
    }
    for (std::size_t h = 0; h < kHalves; ++h) {
      for (std::size_t w = 0; w < 16; ++w) store(stream[h].word[w], _mm256_add_epi32(x[h][w], load(state[h].word[w])));
    }
  }

  // 8 x 8 words: word w of every lane <-> the eight words of lane w.
  static void transpose(Vector (&x)[8]) {
    for (std::size_t i = 0; i < 8; i += 4) {
      const Vector low01 = _mm256_unpacklo_epi32(x[i], x[i + 1]), high01 = _mm256_unpackhi_epi32(x[i], x[i + 1]);
      const Vector low23 = _mm256_unpacklo_epi32(x[i + 2], x[i + 3]),
                   high23 = _mm256_unpackhi_epi32(x[i + 2], x[i + 3]);
      x[i] = _mm256_unpacklo_epi64(low01, low23);
      x[i + 1] = _mm256_unpackhi_epi64(low01, low23);
      x[i + 2] = _mm256_unpacklo_epi64(high01, high23);
      x[i + 3] = _mm256_unpackhi_epi64(high01, high23);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const Vector low = x[k], high = x[4 + k];
      x[k] = _mm256_permute2x128_si256(low, high, 0x20);
      x[4 + k] = _mm256_permute2x128_si256(low, high, 0x31);
    }
  }
};

}  // namespace isthmus::tunnel

#endif
