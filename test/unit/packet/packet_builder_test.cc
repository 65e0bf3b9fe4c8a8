// The tests' own tool against bytes that we did not make with it.

#include "test/support/packet_builder.h"

#include <gtest/gtest.h>

namespace isthmus::test {
namespace {

// The checksums were worked out by a program that shares nothing with this repository.
TEST(PacketBuilder, KnownUdp) {
  const Bytes expected{0x45, 0x00, 0x00, 0x20, 0x12, 0x34, 0x00, 0x00, 0x40, 0x11, 0x54, 0x97, 0x0a, 0x00, 0x00, 0x01,
                       0x0a, 0x00, 0x00, 0x02, 0x03, 0xe8, 0x00, 0x35, 0x00, 0x0c, 0x22, 0xf0, 0x61, 0x62, 0x63, 0x64};
  const auto built = PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").udp(1000, 53).payload("abcd").build();
  EXPECT_EQ(difference(expected, built.packet()), "");
}

TEST(PacketBuilder, KnownEcho) {
  const Bytes expected{0x45, 0x00, 0x00, 0x1c, 0x12, 0x34, 0x40, 0x00, 0x01, 0x01, 0x53, 0xab, 0x0a, 0x00,
                       0x00, 0x01, 0x0a, 0x00, 0x00, 0x02, 0x08, 0x00, 0xf7, 0xfb, 0x00, 0x01, 0x00, 0x03};
  const auto built = PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").ttl(1).dont_fragment().echo_request(1, 3).build();
  EXPECT_EQ(difference(expected, built.packet()), "");
}

TEST(PacketBuilder, RoomAroundThePacket) {
  auto built = PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").udp(1, 2).build(10, 20);
  EXPECT_EQ(built.packet().headroom, 10);
  EXPECT_EQ(built.packet().tailroom, 20);
  const Bytes before = built.bytes();
  BuiltPacket moved = std::move(built);
  EXPECT_EQ(moved.bytes(), before);
}

TEST(PacketBuilder, DifferenceNamesTheFirstByte) {
  const auto one = PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").udp(1, 2).payload("a").build();
  const auto other = PacketBuilder().ipv4("10.0.0.1", "10.0.0.3").udp(1, 2).payload("a").build();
  EXPECT_EQ(difference(one.packet(), one.packet()), "");
  const std::string text = difference(one.packet(), other.packet());
  EXPECT_NE(text.find("at byte 11"), std::string::npos) << text;
  EXPECT_NE(text.find("10.0.0.3"), std::string::npos) << text;
}

TEST(HeapPool, CountsAndRefuses) {
  HeapPool pool(1);
  Packet one = PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").udp(1, 2).build_in(pool);
  Packet two;
  EXPECT_EQ(pool.outstanding(), 1U);
  EXPECT_FALSE(pool.allocate(two));
  EXPECT_EQ(two.buffer, nullptr);
  EXPECT_GE(one.headroom, BufferPool::kHeadroom);
  pool.release(one);
  EXPECT_EQ(pool.outstanding(), 0U);
}

}  // namespace
}  // namespace isthmus::test
