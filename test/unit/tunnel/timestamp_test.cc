#include "tunnel/timestamp.h"

#include <gtest/gtest.h>

namespace isthmus::tunnel {
namespace {

TEST(Timestamp, IsTai64n) {
  const Timestamp expected{0x40, 0, 0, 0, 0x65, 0x53, 0xf1, 0x0a, 0x1c, 0, 0, 0};
  EXPECT_EQ(make_timestamp({1'700'000'000, 0x1c000000}, {}), expected);
}

TEST(Timestamp, TellsNoFinerTime) {
  EXPECT_EQ(make_timestamp({5, 0x01ffffff}, {}), make_timestamp({5, 0x01000000}, {}));
  EXPECT_NE(make_timestamp({5, 0x02000000}, {}), make_timestamp({5, 0x01000000}, {}));
}

TEST(Timestamp, GrowsAlways) {
  Timestamp last{};
  // A clock that runs, stands still, and is set back by an hour.
  for (const WallTime& wall : {WallTime{7200, 0}, {7200, 1}, {7200, 0}, {7200, 0x01000000}, {3600, 0}, {7201, 0}}) {
    const Timestamp next = make_timestamp(wall, last);
    EXPECT_GT(next, last);
    last = next;
  }
  EXPECT_EQ(last, make_timestamp({7201, 0}, {})) << "the clock is followed again as soon as it is ahead";
}

TEST(Timestamp, CarriesIntoTheSeconds) {
  Timestamp last = make_timestamp({9, 0}, {});
  const std::uint32_t nanoseconds = 999'999'999;
  for (unsigned i = 0; i < 4; ++i) last[8 + i] = static_cast<std::uint8_t>(nanoseconds >> (24 - 8 * i));
  EXPECT_EQ(make_timestamp({0, 0}, last), make_timestamp({10, 0}, {}));
}

}  // namespace
}  // namespace isthmus::tunnel
