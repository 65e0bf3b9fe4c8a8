#pragma once
// Integers as they lie on the wire. A wire struct is made of these, so it has no padding and no alignment, and
// reading a field in the wrong order does not compile.

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace isthmus {

template <std::unsigned_integral T>
constexpr T reverse_bytes(T value) {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

template <std::unsigned_integral T, std::endian kOrder>
class Ordered {
 public:
  constexpr Ordered() = default;
  constexpr Ordered(T value) { *this = value; }  // NOLINT(google-explicit-constructor): a wire field is its value

  constexpr Ordered& operator=(T value) {
    bytes_ = std::bit_cast<std::array<std::uint8_t, sizeof(T)>>(swapped(value));
    return *this;
  }
  constexpr operator T() const { return swapped(std::bit_cast<T>(bytes_)); }  // NOLINT(google-explicit-constructor)

 private:
  static constexpr T swapped(T value) { return kOrder == std::endian::native ? value : reverse_bytes(value); }

  std::array<std::uint8_t, sizeof(T)> bytes_{};
};

using Big16 = Ordered<std::uint16_t, std::endian::big>;
using Big32 = Ordered<std::uint32_t, std::endian::big>;
using Big64 = Ordered<std::uint64_t, std::endian::big>;
using Little32 = Ordered<std::uint32_t, std::endian::little>;
using Little64 = Ordered<std::uint64_t, std::endian::little>;

static_assert(sizeof(Big16) == 2 && alignof(Big16) == 1);
static_assert(sizeof(Little64) == 8 && alignof(Little64) == 1);

}  // namespace isthmus
