// g++ 12 takes the "undefined" registers of its own intrinsics for uninitialised variables (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tunnel/aead_lanes.h"
#include "tunnel/aead_lanes_chacha_avx512.h"
#include "tunnel/aead_lanes_engine.h"
#include "tunnel/aead_lanes_poly_avx512.h"

namespace isthmus::tunnel {
namespace {

struct Avx512 {
  using Chacha = ChachaAvx512;
  using Poly = PolyAvx512;
  static constexpr std::size_t kHalf = Chacha::kHalf;
  static constexpr std::size_t kShortGroups = 2;
  static constexpr const char* kName = "avx512";

  // Fewer than 64 bytes, to `at` in a slot of 64 that is zero elsewhere. The slot is written whole: it is read whole
  // soon.
  static void load_part(std::uint8_t* slot, std::size_t at, const std::uint8_t* from, std::size_t bytes) {
    _mm512_store_si512(slot, _mm512_maskz_loadu_epi8(first(bytes) << at, from - at));
  }
  static void store_part(std::uint8_t* to, const std::uint8_t* slot, std::size_t bytes) {
    _mm512_mask_storeu_epi8(to, first(bytes), _mm512_load_si512(slot));
  }

  // Whole registers, aligned. The compiler must not find out that nobody reads them any more.
  static void wipe(void* lines, std::size_t bytes) {
    auto* line = static_cast<__m512i*>(lines);
    for (std::size_t i = 0; i < bytes / sizeof(__m512i); ++i) _mm512_store_si512(line + i, _mm512_setzero_si512());
    asm volatile("" : : "r"(lines) : "memory");
  }

 private:
  static std::uint64_t first(std::size_t bytes) { return (std::uint64_t{1} << bytes) - 1; }
};

}  // namespace

std::unique_ptr<BurstAead> make_avx512_aead() { return std::make_unique<LanesAead<Avx512>>(); }

void mac_avx512(std::span<AeadJob> jobs, std::span<const OneTimeKey> keys) { LanesAead<Avx512>().mac(jobs, keys); }

}  // namespace isthmus::tunnel
