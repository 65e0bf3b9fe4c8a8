#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "tunnel/aead_lanes.h"
#include "tunnel/aead_lanes_chacha_avx2.h"
#include "tunnel/aead_lanes_engine.h"
#include "tunnel/aead_lanes_poly_avx2.h"

namespace isthmus::tunnel {
namespace {

struct Avx2 {
  using Chacha = ChachaAvx2;
  using Poly = PolyAvx2;
  static constexpr std::size_t kHalf = Chacha::kHalf;
  static constexpr std::size_t kShortGroups = 2;
  static constexpr const char* kName = "avx2";

  // Fewer than 64 bytes, to `at` in a slot of 64 that is zero elsewhere.
  static void load_part(std::uint8_t* slot, std::size_t at, const std::uint8_t* from, std::size_t bytes) {
    std::memset(slot, 0, 64);
    std::memcpy(slot + at, from, bytes);
  }
  static void store_part(std::uint8_t* to, const std::uint8_t* slot, std::size_t bytes) {
    std::memcpy(to, slot, bytes);
  }

  // The compiler must not find out that nobody reads them any more.
  static void wipe(void* lines, std::size_t bytes) {
    std::memset(lines, 0, bytes);
    asm volatile("" : : "r"(lines) : "memory");
  }
};

}  // namespace

std::unique_ptr<BurstAead> make_avx2_aead() { return std::make_unique<LanesAead<Avx2>>(); }

void mac_avx2(std::span<AeadJob> jobs, std::span<const OneTimeKey> keys) { LanesAead<Avx2>().mac(jobs, keys); }

}  // namespace isthmus::tunnel
