#include "dataplane/packet/checksum.h"

#include <gtest/gtest.h>

#include <vector>

#include "test/support/packet_builder.h"

namespace isthmus {
namespace {

using test::Bytes;

TEST(Checksum, ExampleOfRfc1071) {
  const Bytes words{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(fold(sum_bytes(words.data(), words.size())), 0xddf2);
}

TEST(Checksum, OddLastByteIsPaddedOnTheRight) {
  const Bytes odd{0x12, 0x34, 0x56};
  EXPECT_EQ(fold(sum_bytes(odd.data(), 3)), 0x1234 + 0x5600);
  EXPECT_EQ(fold(sum_bytes(odd.data(), 1)), 0x1200);
  EXPECT_EQ(fold(sum_bytes(odd.data(), 0)), 0);
}

TEST(Checksum, CarriesComeBackAtEveryWidth) {
  const Bytes ones(4096, 0xff);
  for (const std::size_t length : {2U, 8U, 32U, 34U, 64U, 4096U})
    EXPECT_EQ(fold(sum_bytes(ones.data(), length)), 0xffff);
}

TEST(Checksum, ExampleOfRfc1624) { EXPECT_EQ(update_checksum(0xdd2f, checksum_delta(0x5555, 0x3285)), 0x0000); }

TEST(Checksum, DeltaOfNothingChangesNothing) {
  for (const unsigned checksum : {0x0000U, 0x0001U, 0x8000U, 0xfffeU}) {
    EXPECT_EQ(update_checksum(static_cast<std::uint16_t>(checksum), checksum_delta(0x0a000001, 0x0a000001)), checksum);
  }
}

TEST(Checksum, UdpZeroMeansNone) {
  EXPECT_EQ(update_udp_checksum(0, checksum_delta(1, 2)), 0);
  EXPECT_EQ(update_udp_checksum(0xdd2f, checksum_delta(0x5555, 0x3285)), 0xffff);
  EXPECT_EQ(update_udp_checksum(0x1234, checksum_delta(7, 6)), 0x1235);
}

TEST(Checksum, HeaderOfAKnownPacket) {
  Bytes header{0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
               0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  const auto& ip = *reinterpret_cast<const Ipv4Header*>(header.data());
  EXPECT_EQ(ipv4_header_checksum(ip), 0xb861);
  header[10] = 0xde;
  header[11] = 0xad;
  EXPECT_EQ(ipv4_header_checksum(ip), 0xb861) << "the field itself must not take part";
}

TEST(Checksum, HeaderWithOptions) {
  const auto built = test::PacketBuilder().ipv4("10.1.2.3", "10.4.5.6").ip_option({7, 7, 4, 9, 8, 7, 6}).build();
  const auto& ip = *built.packet().header<Ipv4Header>();
  EXPECT_EQ(ip.header_length(), 28U);
  EXPECT_EQ(ipv4_header_checksum(ip), ip.checksum);
}

TEST(Checksum, PseudoHeader) {
  // RFC 768: addresses, protocol, length.
  EXPECT_EQ(sum_pseudo_header({0x00010002}, {0x00030004}, 17, 8), 1U + 2 + 3 + 4 + 17 + 8);
}

}  // namespace
}  // namespace isthmus
