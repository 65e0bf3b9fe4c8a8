#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/packet/mss_clamp.h"
#include "test/support/packet_builder.h"
#include "test/support/random.h"

namespace isthmus {
namespace {

using test::BuiltPacket;
using test::Bytes;
using test::difference;
using test::Random;

// The MSS option at any place among others, even or odd: the same packet built with the lower value has the same bytes,
// checksum included.
TEST(MssClampModel, EqualsAPacketBuiltWithTheLowerValue) {
  Random random;
  for (int round = 0; round < 20000; ++round) {
    const auto mtu = static_cast<std::uint16_t>(random.between(68, 9000));
    const auto mss = static_cast<std::uint16_t>(random.below(0x10000));
    const auto allowed = static_cast<std::uint16_t>(std::min<unsigned>(mss, mtu - 40U));
    const std::size_t ahead = random.below(20);
    const Bytes payload = random.bytes(random.below(50));
    const auto segment = [&](std::uint16_t value) {
      test::PacketBuilder builder;
      builder.ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2, 0x02).payload(payload);
      for (std::size_t i = 0; i < ahead; ++i) builder.tcp_option({1});
      return builder.tcp_option({2, 4, static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value & 0xff)})
          .bytes();
    };
    BuiltPacket built(segment(mss), 0, 0);
    ASSERT_TRUE(parse_ipv4(built.packet()));
    clamp_mss(built.packet(), mtu);
    ASSERT_EQ(difference(segment(allowed), built.packet()), "")
        << "mss " << mss << " mtu " << mtu << " ahead " << ahead;
  }
}

}  // namespace
}  // namespace isthmus
