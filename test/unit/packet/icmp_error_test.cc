#include "dataplane/packet/icmp_error.h"

#include <gtest/gtest.h>

#include "dataplane/packet/parse.h"
#include "test/support/packet_builder.h"

namespace isthmus {
namespace {

using test::Bytes;
using test::difference;
using test::ip4;
using test::PacketBuilder;

bool deserves(const PacketBuilder& builder) { return deserves_icmp_error(builder.build_parsed().packet()); }

TEST(IcmpError, WhatDeservesOne) {
  EXPECT_TRUE(deserves(PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").udp(1, 2)));
  EXPECT_TRUE(deserves(PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").echo_request(1, 2)));
  EXPECT_TRUE(deserves(PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").echo_reply(1, 2)));
  EXPECT_TRUE(deserves(PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").protocol(47)));
  EXPECT_TRUE(deserves(PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").fragment(0, true).udp(1, 2).payload_size(8)));
  EXPECT_TRUE(deserves(PacketBuilder().ipv4("242.0.0.1", "242.1.0.1").udp(1, 2))) << "a pool that people remap to";
}

TEST(IcmpError, NeverAboutAnIcmpError) {
  for (const int type : {3, 4, 5, 11, 12}) {
    EXPECT_FALSE(deserves(
        PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").icmp(static_cast<std::uint8_t>(type), 0).payload_size(28)))
        << type;
  }
}

TEST(IcmpError, NeverAboutALaterFragment) {
  EXPECT_FALSE(deserves(PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").fragment(8, true).protocol(17).payload_size(8)));
  EXPECT_FALSE(deserves(PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").fragment(8, false).protocol(1).payload_size(8)));
}

TEST(IcmpError, NeverAboutAnAddressThatIsNoSingleHost) {
  for (const char* address : {"0.0.0.0", "255.255.255.255", "224.0.0.1", "239.255.255.250", "127.0.0.1"}) {
    EXPECT_FALSE(deserves(PacketBuilder().ipv4(address, "10.0.0.2").udp(1, 2))) << address;
    EXPECT_FALSE(deserves(PacketBuilder().ipv4("10.0.0.1", address).udp(1, 2))) << address;
  }
}

// The whole error, built independently.
Bytes expected_error(std::uint8_t type, std::uint8_t code, std::uint32_t rest, const Bytes& quote) {
  return PacketBuilder()
      .ipv4("10.0.0.254", "10.0.0.1")
      .tos(0xc0)
      .identification(0)
      .dont_fragment()
      .icmp(type, code, rest)
      .payload(quote)
      .bytes();
}

TEST(IcmpError, EachKindOnTheWire) {
  const PacketBuilder about = PacketBuilder().ipv4("10.0.0.1", "10.71.0.2").tcp(1000, 80).payload_size(33);
  struct Row {
    IcmpErrorKind kind;
    std::uint8_t type;
    std::uint8_t code;
    std::uint32_t rest;
  };
  for (const Row& row :
       {Row{IcmpErrorKind::kTimeExceeded, 11, 0, 0}, Row{IcmpErrorKind::kFragmentationNeeded, 3, 4, 1420},
        Row{IcmpErrorKind::kNetUnreachable, 3, 0, 0}, Row{IcmpErrorKind::kHostProhibited, 3, 10, 0}}) {
    auto built = about.build_parsed(28, 0);
    make_icmp_error(built.packet(), row.kind, ip4("10.0.0.254"), 1420);
    EXPECT_EQ(difference(expected_error(row.type, row.code, row.rest, about.bytes()), built.packet()), "");
  }
}

TEST(IcmpError, IsAtMost576BytesLong) {
  const PacketBuilder about = PacketBuilder().ipv4("10.0.0.1", "10.71.0.2").udp(1000, 80).payload_size(1400);
  auto built = about.build_parsed(28, 0);
  make_icmp_error(built.packet(), IcmpErrorKind::kTimeExceeded, ip4("10.0.0.254"), 0);
  Bytes quote = about.bytes();
  quote.resize(548);
  EXPECT_EQ(built.packet().length, 576U);
  EXPECT_EQ(difference(expected_error(11, 0, 0, quote), built.packet()), "");
}

TEST(IcmpError, ParseFieldsDescribeTheError) {
  const Bytes options(8, 1);
  auto built = PacketBuilder()
                   .ipv4("10.0.0.1", "10.71.0.2")
                   .ip_option(options)
                   .fragment(0, true)
                   .udp(1, 2)
                   .payload_size(16)
                   .build_parsed();
  make_icmp_error(built.packet(), IcmpErrorKind::kTimeExceeded, ip4("10.0.0.254"), 0);
  Packet again = built.packet();
  again.protocol = again.l4_offset = 0;
  ASSERT_TRUE(parse_ipv4(again));
  EXPECT_EQ(built.packet().protocol, again.protocol);
  EXPECT_EQ(built.packet().l4_offset, again.l4_offset);
  EXPECT_EQ(built.packet().has_l4, again.has_l4);
  EXPECT_EQ(built.packet().is_fragment, again.is_fragment);
  EXPECT_EQ(built.packet().dont_fragment, again.dont_fragment);
}

}  // namespace
}  // namespace isthmus
