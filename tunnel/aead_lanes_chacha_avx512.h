#pragma once
// ChaCha20 for AVX-512: sixteen lanes a register.

#ifdef __AVX512IFMA__  // only the files that are compiled for it see this

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "tunnel/aead_lanes_chacha.h"

namespace isthmus::tunnel {

struct ChachaAvx512 {
  static constexpr std::size_t kHalf = 16;
  using Words = ChachaWords<kHalf>;

  static void rounds(const Words* state, Words* stream, std::size_t halves) {
    halves == 1 ? rounds_of_one(state, stream) : rounds_of_two(state, stream);
  }

  // Combines sixteen rows of 64 bytes with the key stream (RFC 8439 section 2.4). Unless kAll, some are null.
  template <bool kAll>
  static void apply(const Words& stream, std::uint8_t* const* rows) {
    apply_eight<kAll>(stream, 0, rows);
    apply_eight<kAll>(stream, 8, rows + 8);
  }

  static void transpose_keys(const std::uint8_t* const* keys, Words& state) {
    __m512i x[8];
    for (std::size_t i = 0; i < 8; ++i) x[i] = two_halves(keys[i], keys[8 + i]);
    transpose_quads(x);
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    for (std::size_t w = 0; w < 4; ++w) {
      _mm512_store_si512(state.word[4 + w], _mm512_permutex2var_epi64(x[w], low, x[4 + w]));
      _mm512_store_si512(state.word[8 + w], _mm512_permutex2var_epi64(x[w], high, x[4 + w]));
    }
  }

 private:
  static void rounds_of_one(const Words* state, Words* stream);
  static void rounds_of_two(const Words* state, Words* stream);

  static __m512i two_halves(const void* low, const void* high) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(static_cast<const __m256i*>(low))),
                              _mm256_loadu_si256(static_cast<const __m256i*>(high)), 1);
  }

  // Within each 128-bit quarter and each four registers: word j of register i -> word i of register j.
  static void transpose_quads(__m512i (&x)[8]) {
    for (std::size_t i = 0; i < 8; i += 4) {
      const __m512i low01 = _mm512_unpacklo_epi32(x[i], x[i + 1]), high01 = _mm512_unpackhi_epi32(x[i], x[i + 1]);
      const __m512i low23 = _mm512_unpacklo_epi32(x[i + 2], x[i + 3]),
                    high23 = _mm512_unpackhi_epi32(x[i + 2], x[i + 3]);
      x[i] = _mm512_unpacklo_epi64(low01, low23);
      x[i + 1] = _mm512_unpackhi_epi64(low01, low23);
      x[i + 2] = _mm512_unpacklo_epi64(high01, high23);
      x[i + 3] = _mm512_unpackhi_epi64(high01, high23);
    }
  }

  // Eight lanes: words w and w + 4 share a register, so that what is left to do across quarters is one shuffle a row.
  template <bool kAll>
  static void apply_eight(const Words& stream, std::size_t lane, std::uint8_t* const* rows) {
    __m512i x[8];
    for (std::size_t i = 0; i < 8; ++i) {
      const std::size_t w = i < 4 ? i : i + 4;
      x[i] = two_halves(stream.word[w] + lane, stream.word[w + 4] + lane);
    }
    transpose_quads(x);
#pragma GCC unroll 4
    for (std::size_t k = 0; k < 4; ++k) {
      apply_row<kAll>(_mm512_shuffle_i32x4(x[k], x[4 + k], 0x88), rows[k]);
      apply_row<kAll>(_mm512_shuffle_i32x4(x[k], x[4 + k], 0xdd), rows[4 + k]);
    }
  }

  template <bool kAll>
  static void apply_row(__m512i key_stream, std::uint8_t* row) {
    if (!kAll && row == nullptr) return;
    _mm512_storeu_si512(row, _mm512_xor_si512(key_stream, _mm512_loadu_si512(row)));
  }
};

// The rounds are in assembly because two states fill all 32 registers with nothing to spare, and compilers spill (35 %
// more cycles with g++ 12). Two at once, because one cannot keep the processor busy: each operation of a quarter round
// waits for the one before (one state alone takes 1.6 times as long a lane on Zen 5).
// clang-format off
#define ADD(a, b) "vpaddd %%zmm" #b ", %%zmm" #a ", %%zmm" #a "\n"
#define XOR(a, b) "vpxord %%zmm" #b ", %%zmm" #a ", %%zmm" #a "\n"
#define ROL(a, n) "vprold $" #n ", %%zmm" #a ", %%zmm" #a "\n"
// Half of four quarter rounds (RFC 8439 section 2.1): a += b; d = rol(d ^ a, n); c += d; b = rol(b ^ c, m).
#define HALF_QUARTERS(n, m, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3) \
  ADD(a0, b0) ADD(a1, b1) ADD(a2, b2) ADD(a3, b3) \
  XOR(d0, a0) XOR(d1, a1) XOR(d2, a2) XOR(d3, a3) \
  ROL(d0, n)  ROL(d1, n)  ROL(d2, n)  ROL(d3, n)  \
  ADD(c0, d0) ADD(c1, d1) ADD(c2, d2) ADD(c3, d3) \
  XOR(b0, c0) XOR(b1, c1) XOR(b2, c2) XOR(b3, c3) \
  ROL(b0, m)  ROL(b1, m)  ROL(b2, m)  ROL(b3, m)
// One state is in the registers 0 to 15, the other one, _2, in 16 to 31.
#define COLUMNS(n, m)     HALF_QUARTERS(n, m, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define DIAGONALS(n, m)   HALF_QUARTERS(n, m, 0, 1, 2, 3, 5, 6, 7, 4, 10, 11, 8, 9, 15, 12, 13, 14)
#define COLUMNS_2(n, m)   HALF_QUARTERS(n, m, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31)
#define DIAGONALS_2(n, m) HALF_QUARTERS(n, m, 16, 17, 18, 19, 21, 22, 23, 20, 26, 27, 24, 25, 31, 28, 29, 30)
#define LOAD(w) "vmovdqa64 64*" #w "(%[state]), %%zmm" #w "\n"
// Section 2.3: the state before the rounds is added to what they made of it.
#define FINISH(w) "vpaddd 64*" #w "(%[state]), %%zmm" #w ", %%zmm" #w "\n vmovdqa64 %%zmm" #w ", 64*" #w "(%[stream])\n"
#define FIRST_16(DO) \
  DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)
#define LAST_16(DO) \
  DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) DO(22) DO(23) DO(24) DO(25) DO(26) DO(27) DO(28) DO(29) DO(30) DO(31)
#define CLOBBER(w) "zmm" #w,
// clang-format on

inline void ChachaAvx512::rounds_of_one(const Words* state, Words* stream) {
  int left = 10;
  asm volatile(FIRST_16(LOAD)
      "1:\n"
      COLUMNS(16, 12) COLUMNS(8, 7)
      DIAGONALS(16, 12) DIAGONALS(8, 7)
      "dec %[left]\n"
      "jnz 1b\n"
      FIRST_16(FINISH)
      : [left] "+r"(left)
      : [state] "r"(state), [stream] "r"(stream)
      : FIRST_16(CLOBBER) "memory", "cc");
}

inline void ChachaAvx512::rounds_of_two(const Words* state, Words* stream) {
  int left = 10;
  asm volatile(FIRST_16(LOAD) LAST_16(LOAD)
      "1:\n"
      COLUMNS(16, 12) COLUMNS_2(16, 12) COLUMNS(8, 7) COLUMNS_2(8, 7)
      DIAGONALS(16, 12) DIAGONALS_2(16, 12) DIAGONALS(8, 7) DIAGONALS_2(8, 7)
      "dec %[left]\n"
      "jnz 1b\n"
      FIRST_16(FINISH) LAST_16(FINISH)
      : [left] "+r"(left)
      : [state] "r"(state), [stream] "r"(stream)
      : FIRST_16(CLOBBER) LAST_16(CLOBBER) "memory", "cc");
}

#undef ADD
#undef XOR
#undef ROL
#undef HALF_QUARTERS
#undef COLUMNS
#undef DIAGONALS
#undef COLUMNS_2
#undef DIAGONALS_2
#undef LOAD
#undef FINISH
#undef FIRST_16
#undef LAST_16
#undef CLOBBER

}  // namespace isthmus::tunnel

#endif
