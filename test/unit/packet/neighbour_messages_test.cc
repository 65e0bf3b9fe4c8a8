#include "dataplane/packet/neighbour_messages.h"

#include <gtest/gtest.h>

#include "dataplane/packet/parse.h"
#include "test/support/packet_builder.h"

namespace isthmus {
namespace {

using test::BuiltPacket;
using test::Bytes;
using test::ip4;
using test::ip6;
using test::mac;

const MacAddress kOwn = mac("02:00:00:00:00:01");
const MacAddress kAsker = mac("02:00:00:00:00:02");

BuiltPacket empty_buffer() { return BuiltPacket(Bytes{}, 0, 128); }

Bytes request(const IpAddress& own, const IpAddress& target) {
  auto built = empty_buffer();
  write_neighbour_request(built.packet(), kOwn, own, target);
  return built.bytes();
}

Bytes reply(const IpAddress& own, const IpAddress& asker) {
  auto built = empty_buffer();
  write_neighbour_reply(built.packet(), kOwn, own, kAsker, asker);
  return built.bytes();
}

std::optional<NeighbourMessage> parse(const Bytes& frame) {
  return parse_neighbour_message(BuiltPacket(frame, 0, 0).packet());
}

const IpAddress kOwn4 = ip4("192.0.2.1");
const IpAddress kOther4 = ip4("192.0.2.2");
const IpAddress kOwn6 = ip6("fe80::1");
const IpAddress kOther6 = ip6("2001:db8::12:3456");

// RFC 826, byte by byte.
TEST(NeighbourMessages, ArpRequestOnTheWire) {
  Bytes expected{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x01, 0x08, 0x06,  // Ethernet
                 0,    1,    0x08, 0,    6,    4,    0,    1,                             // request
                 0x02, 0,    0,    0,    0,    0x01, 192,  0, 2, 1,                       // sender
                 0,    0,    0,    0,    0,    0,    192,  0, 2, 2};                      // target
  expected.resize(60);
  EXPECT_EQ(request(kOwn4, kOther4), expected);
}

TEST(NeighbourMessages, ArpReplyOnTheWire) {
  Bytes expected{0x02, 0,    0, 0, 0, 0x02, 0x02, 0,   0, 0, 0, 0x01, 0x08, 0x06, 0, 1, 0x08, 0,   6, 4, 0,
                 2,    0x02, 0, 0, 0, 0,    0x01, 192, 0, 2, 1, 0x02, 0,    0,    0, 0, 0x02, 192, 0, 2, 2};
  expected.resize(60);
  EXPECT_EQ(reply(kOwn4, kOther4), expected);
}

// RFC 4861 section 4.3; the checksum was worked out by another program.
TEST(NeighbourMessages, SolicitationOnTheWire) {
  const Bytes expected{0x33, 0x33, 0xff, 0x12, 0x34, 0x56, 0x02, 0,    0,    0,   0,   0x01, 0x86, 0xdd, 0x60,
                       0,    0,    0,    0,    32,   58,   255,  0xfe, 0x80, 0,   0,   0,    0,    0,    0,
                       0,    0,    0,    0,    0,    0,    0,    1,    0xff, 2,   0,   0,    0,    0,    0,
                       0,    0,    0,    0,    1,    0xff, 0x12, 0x34, 0x56, 135, 0,   0xe2, 0x92, 0,    0,
                       0,    0,    0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,   0,   0,    0,    0,    0,
                       0x12, 0x34, 0x56, 1,    1,    0x02, 0,    0,    0,    0,   0x01};
  EXPECT_EQ(request(kOwn6, kOther6), expected);
}

TEST(NeighbourMessages, AdvertisementOnTheWire) {
  const Bytes frame = reply(kOwn6, kOther6);
  ASSERT_EQ(frame.size(), 86U);
  EXPECT_EQ(frame[54], 136);
  EXPECT_EQ(frame[58], 0x60) << "solicited, override";
  EXPECT_EQ(Bytes(frame.begin() + 62, frame.begin() + 78),
            (Bytes{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(frame[78], 2) << "target link-layer address";
}

TEST(NeighbourMessages, WhatIsWrittenIsRead) {
  for (const auto& [own, other] : {std::pair{kOwn4, kOther4}, std::pair{kOwn6, kOther6}}) {
    const auto asked = parse(request(own, other));
    ASSERT_TRUE(asked);
    EXPECT_TRUE(asked->is_request);
    EXPECT_EQ(asked->sender, own);
    EXPECT_EQ(asked->target, other);
    EXPECT_TRUE(asked->has_sender_mac);
    EXPECT_EQ(asked->sender_mac, kOwn);

    const auto told = parse(reply(own, other));
    ASSERT_TRUE(told);
    EXPECT_FALSE(told->is_request);
    EXPECT_EQ(told->sender, own);
    EXPECT_EQ(told->target, own) << "a reply tells about its sender";
    EXPECT_TRUE(told->has_sender_mac);
    EXPECT_EQ(told->sender_mac, kOwn);
  }
}

TEST(NeighbourMessages, ParseEthernetHandsThemOver) {
  for (const Bytes& frame :
       {request(kOwn4, kOther4), reply(kOwn4, kOther4), request(kOwn6, kOther6), reply(kOwn6, kOther6)}) {
    BuiltPacket built(frame, 0, 0);
    EXPECT_FALSE(parse_ethernet(built.packet()));
    EXPECT_EQ(built.packet().punt, Punt::kNeighbourMessage);
  }
}

TEST(NeighbourMessages, DuplicateAddressProbes) {
  const auto arp = parse(request(Ipv4Address{}, kOther4));
  ASSERT_TRUE(arp);
  EXPECT_EQ(arp->sender, IpAddress{Ipv4Address{}});

  const auto probe = parse(request(Ipv6Address{}, kOther6));
  ASSERT_TRUE(probe);
  EXPECT_EQ(probe->sender, IpAddress{Ipv6Address{}});
  EXPECT_FALSE(probe->has_sender_mac) << "no option beside an unspecified source (RFC 4861 section 4.3)";

  const Bytes answer = reply(kOwn6, Ipv6Address{});
  EXPECT_EQ(Bytes(answer.begin(), answer.begin() + 6), (Bytes{0x33, 0x33, 0, 0, 0, 1})) << "to all nodes";
  EXPECT_EQ(answer[58], 0x20) << "not solicited";
  EXPECT_TRUE(parse(answer));
}

TEST(NeighbourMessages, EveryShorterFrameIsRefused) {
  for (const Bytes& frame : {request(kOwn4, kOther4), request(kOwn6, kOther6)}) {
    const std::size_t needed = frame[12] == 0x08 ? 42 : frame.size();
    for (std::size_t size = 0; size < needed; ++size)
      EXPECT_FALSE(parse(Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size))));
    EXPECT_TRUE(parse(Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(needed))));
  }
}

TEST(NeighbourMessages, MalformedArp) {
  struct Row {
    const char* what;
    std::size_t at;
    std::uint8_t value;
  };
  for (const Row& row :
       {Row{"EtherType", 13, 0}, Row{"hardware", 15, 6}, Row{"protocol", 16, 0x86}, Row{"MAC length", 18, 8},
        Row{"IP length", 19, 16}, Row{"operation", 21, 3}, Row{"operation 0", 21, 0}, Row{"multicast MAC", 22, 0x03},
        Row{"multicast sender", 28, 224}, Row{"multicast target", 38, 230}}) {
    Bytes frame = request(kOwn4, kOther4);
    ASSERT_NE(frame[row.at], row.value) << row.what;
    frame[row.at] = row.value;
    EXPECT_FALSE(parse(frame)) << row.what;
  }
}

// The checksum is put right again after the change, so that nothing else is wrong.
Bytes changed(Bytes frame, std::size_t at, std::uint8_t value) {
  frame[at] = value;
  frame[56] = frame[57] = 0;
  const std::size_t length = frame[18] * 256U + frame[19];
  Bytes sum(frame.begin() + 22, frame.begin() + 54);
  for (const std::size_t part : {std::size_t{0}, length, std::size_t{0}, std::size_t{frame[20]}}) {
    sum.push_back(static_cast<std::uint8_t>(part >> 8));
    sum.push_back(static_cast<std::uint8_t>(part & 0xff));
  }
  sum.insert(sum.end(), frame.begin() + 54,
             frame.begin() + 54 + static_cast<std::ptrdiff_t>(std::min(length, frame.size() - 54)));
  const std::uint16_t checksum = test::slow_checksum(sum);
  frame[56] = static_cast<std::uint8_t>(checksum >> 8);
  frame[57] = static_cast<std::uint8_t>(checksum & 0xff);
  return frame;
}

TEST(NeighbourMessages, MalformedDiscovery) {
  struct Row {
    const char* what;
    std::size_t at;
    std::uint8_t value;
  };
  const Bytes good = request(kOwn6, kOther6);
  EXPECT_TRUE(parse(changed(good, 85, 9))) << "the helper itself";
  for (const Row& row :
       {Row{"version", 14, 0x40}, Row{"payload too long", 19, 33}, Row{"payload too short", 19, 23},
        Row{"next header", 20, 17}, Row{"hop limit", 21, 254}, Row{"multicast source", 22, 0xff}, Row{"type", 54, 137},
        Row{"code", 55, 1}, Row{"multicast target", 62, 0xff}, Row{"option of no length", 79, 0},
        Row{"option that overruns", 79, 2}, Row{"multicast MAC", 80, 0x03}}) {
    EXPECT_FALSE(parse(changed(good, row.at, row.value))) << row.what;
  }
  Bytes wrong = good;
  wrong[85] ^= 1;
  EXPECT_FALSE(parse(wrong)) << "checksum";
}

TEST(NeighbourMessages, AnUnspecifiedSenderMayNotNameItsMac) {
  Bytes frame = request(kOwn6, kOther6);
  for (std::size_t i = 22; i < 37; ++i) frame[i] = 0;
  EXPECT_FALSE(parse(changed(frame, 37, 0)));
}

TEST(NeighbourMessages, UnknownOptionsAreSkipped) {
  Bytes frame = request(kOwn6, kOther6);
  frame.insert(frame.begin() + 78, {14, 1, 1, 2, 3, 4, 5, 6});  // a nonce (RFC 3971)
  const auto message = parse(changed(frame, 19, 40));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->sender_mac, kOwn);
  Bytes only = request(kOwn6, kOther6);
  const auto without = parse(changed(only, 78, 14));
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->has_sender_mac);
}

}  // namespace
}  // namespace isthmus
