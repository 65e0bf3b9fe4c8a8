#include "dataplane/pipeline/outer_header.h"

#include <gtest/gtest.h>

#include "dataplane/pipeline/decapsulate.h"
#include "test/support/packet_builder.h"

namespace isthmus::pipeline {
namespace {

ForwardingTables listening_on(std::vector<std::uint16_t> ports) {
  ForwardingTables tables;
  tables.listen_ports = std::move(ports);
  return tables;
}

using namespace isthmus::test;

const MacAddress kOurs = mac("02:00:00:00:00:01");
const MacAddress kTheirs = mac("02:00:00:00:00:02");

// A handshake response that does not matter: 92 bytes of type 2.
Bytes message() {
  Bytes bytes = pattern(92);
  bytes[0] = 2;
  bytes[1] = bytes[2] = bytes[3] = 0;
  return bytes;
}

struct Family {
  const char* name;
  IpAddress ours;
  IpAddress theirs;
  std::size_t size;
};
const Family kFamilies[] = {
    {"IPv4", ip4("192.0.2.1"), ip4("192.0.2.2"), sizeof(OuterIpv4)},
    {"IPv6", ip6("2001:db8::1"), ip6("2001:db8::2"), sizeof(OuterIpv6)},
};

NextHops at(const MacAddress& own_mac, const IpAddress& own) {
  const auto* v4 = std::get_if<Ipv4Address>(&own);
  return NextHops(own_mac, v4 != nullptr ? *v4 : Ipv4Address{}, std::span<NextHops::RouteEntry>{},
                  std::span<NextHops::NeighbourEntry>{}, {own});
}

OuterHeader to_theirs(const Family& family) {
  return OuterHeader({.source_mac = kOurs,
                      .next_hop_mac = kTheirs,
                      .source = family.ours,
                      .source_port = 1000,
                      .destination = {family.theirs, 2000}});
}

class OuterHeaderTest : public testing::TestWithParam<Family> {};

TEST_P(OuterHeaderTest, WhatIsPutOnComesOff) {
  const Family& family = GetParam();
  BuiltPacket built(message());
  Packet& packet = built.packet();
  to_theirs(family).put_on(packet, 77);
  EXPECT_EQ(packet.length, message().size() + family.size);

  const NextHops theirs = at(kTheirs, family.theirs);
  const ForwardingTables tables = listening_on({2000});
  const tunnel::SessionTable sessions(16);
  PacketBurst burst;
  burst.add() = packet;
  decapsulate(tables, theirs, false, sessions, burst);
  EXPECT_EQ(burst[0].punt, Punt::kHandshake) << describe(burst[0].drop).name;
  EXPECT_EQ(bytes_of(burst[0]), message());
  EXPECT_EQ(outer_source(burst[0]), (Endpoint{family.ours, 1000}));
  EXPECT_EQ(outer_destination_port(burst[0]), 2000);

  const auto back_to = [&](const IpAddress& address, std::uint16_t port) {
    return OuterHeader({.source = family.theirs, .source_port = 2000, .destination = {address, port}})
        .leads_back_to(burst[0]);
  };
  EXPECT_TRUE(back_to(family.ours, 1000));
  EXPECT_FALSE(back_to(family.ours, 1001));
  EXPECT_FALSE(back_to(family.theirs, 1000));
}

TEST_P(OuterHeaderTest, IsNotForAnotherMachineOrPort) {
  const Family& family = GetParam();
  struct Row {
    const char* what;
    NextHops port;
    std::uint16_t listen_port;
  };
  const Row rows[] = {{"another MAC", at(kOurs, family.theirs), 2000},
                      {"another address", at(kTheirs, family.ours), 2000},
                      {"another port", at(kTheirs, family.theirs), 2001}};
  for (const Row& row : rows) {
    BuiltPacket built(message());
    to_theirs(family).put_on(built.packet(), 0);
    PacketBurst burst;
    burst.add() = built.packet();
    decapsulate(listening_on({row.listen_port}), row.port, true, tunnel::SessionTable(16), burst);
    EXPECT_EQ(burst[0].punt, Punt::kNotOurs) << row.what;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, OuterHeaderTest, testing::ValuesIn(kFamilies),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(OuterHeader, ChecksumsAreRight) {
  for (const std::size_t size : {32U, 33U, 92U, 1452U}) {
    BuiltPacket v4(pattern(size));
    to_theirs(kFamilies[0]).put_on(v4.packet(), 0xfffe);
    const Bytes frame4 = v4.bytes();
    EXPECT_EQ(slow_checksum(Bytes(frame4.begin() + 14, frame4.begin() + 34)), 0);

    BuiltPacket v6(pattern(size));
    to_theirs(kFamilies[1]).put_on(v6.packet(), 0);
    const Bytes frame6 = v6.bytes();
    // The pseudo header of RFC 8200 section 8.1, then the UDP packet: together they sum up to zero.
    Bytes counted(frame6.begin() + 14 + 8, frame6.begin() + 54);
    const auto udp_length = static_cast<std::uint32_t>(size + 8);
    counted.insert(counted.end(), {0, 0, static_cast<std::uint8_t>(udp_length >> 8),
                                   static_cast<std::uint8_t>(udp_length), 0, 0, 0, 17});
    counted.insert(counted.end(), frame6.begin() + 54, frame6.end());
    EXPECT_EQ(slow_checksum(counted), 0) << size;
  }
}

TEST(OuterHeader, BrokenIpv6DiesUnderItsReason) {
  struct Row {
    const char* what;
    std::size_t at;
    std::uint8_t value;
    DropReason reason;
  };
  const Row rows[] = {
      {"version 5", 14, 0x50, DropReason::kIpHeaderInvalid},
      {"longer than the frame", 18, 0x7f, DropReason::kIpTruncated},
      {"a fragment", 20, 44, DropReason::kOuterFragmented},
      {"UDP longer than the packet", 58, 0x7f, DropReason::kL4Truncated},
      {"UDP shorter than its header", 59, 7, DropReason::kL4Truncated},
  };
  for (const Row& row : rows) {
    BuiltPacket built(message());
    to_theirs(kFamilies[1]).put_on(built.packet(), 0);
    built.packet().data[row.at] = row.value;
    PacketBurst burst;
    burst.add() = built.packet();
    decapsulate(listening_on({2000}), at(kTheirs, kFamilies[1].theirs), true, tunnel::SessionTable(16), burst);
    EXPECT_EQ(burst[0].drop, row.reason) << row.what << ": " << describe(burst[0].drop).name;
  }
}

}  // namespace
}  // namespace isthmus::pipeline
