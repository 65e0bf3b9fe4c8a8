#include "tunnel/timestamp.h"

#include <cstring>

#include "dataplane/packet/byte_order.h"

namespace isthmus::tunnel {
namespace {

// TAI64's label of 1970-01-01 00:00:10 TAI. Only the order matters to anybody, so leap seconds are not followed.
constexpr std::uint64_t kEpoch = 0x400000000000000a;
constexpr std::uint32_t kSecond = 1'000'000'000;
// Finer time would tell an observer our clock's exact state. The largest power of two within 20 ms, the distance that a
// responder keeps between two initiations of one peer.
constexpr std::uint32_t kWhitening = 1U << 24;

struct WireTime {
  Big64 seconds;
  Big32 nanoseconds;
};
static_assert(sizeof(WireTime) == kTimestampSize);

Timestamp to_bytes(const WireTime& time) {
  Timestamp bytes;
  std::memcpy(bytes.data(), &time, bytes.size());
  return bytes;
}

}  // namespace

Timestamp make_timestamp(const WallTime& wall, const Timestamp& last) {
  const Timestamp now = to_bytes({kEpoch + wall.seconds, wall.nanoseconds & ~(kWhitening - 1)});
  if (now > last) return now;
  WireTime next;
  std::memcpy(&next, last.data(), last.size());
  if (next.nanoseconds + 1 < kSecond) {
    next.nanoseconds = next.nanoseconds + 1;
  } else {
    next.seconds = next.seconds + 1;
    next.nanoseconds = 0;
  }
  return to_bytes(next);
}

}  // namespace isthmus::tunnel
