#pragma once
// TAI64N: the moment in an initiation that keeps it from being replayed (section 5.1).

#include <array>
#include <cstdint>

#include "tunnel/wire.h"

namespace isthmus::tunnel {

// Seconds since 1970 with nanoseconds; TAI64N is derived from it.
struct WallTime {
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

// Big-endian, so that the order of the bytes is the order in time. All zero: before every other.
using Timestamp = std::array<std::uint8_t, kTimestampSize>;

// The moment, or if that is not later than `last`, the next one after `last`.
Timestamp make_timestamp(const WallTime& wall, const Timestamp& last);

}  // namespace isthmus::tunnel
