#include "dataplane/packet/parse.h"

#include <gtest/gtest.h>

#include <functional>

#include "dataplane/packet/checksum.h"
#include "test/support/packet_builder.h"

namespace isthmus {
namespace {

using test::BuiltPacket;
using test::Bytes;
using test::difference;
using test::PacketBuilder;

PacketBuilder a_to_b() { return PacketBuilder().ipv4("10.0.0.1", "10.0.0.2"); }

void fix_ip_checksum(Bytes& bytes) {
  auto& ip = *reinterpret_cast<Ipv4Header*>(bytes.data());
  ip.checksum = ipv4_header_checksum(ip);
}

// No tailroom: a sanitizer build notices a read beyond the end.
DropReason verdict(const Bytes& bytes) {
  BuiltPacket built(bytes, 0, 0);
  const bool passed = parse_ipv4(built.packet());
  EXPECT_EQ(passed, built.packet().drop == DropReason::kNone);
  return built.packet().drop;
}

// ---- Ethernet

TEST(ParseEthernet, Ipv4MovesToTheIpHeader) {
  auto built = a_to_b().ethernet().udp(1, 2).build();
  const std::uint8_t* frame = built.packet().data;
  EXPECT_TRUE(parse_ethernet(built.packet()));
  EXPECT_EQ(built.packet().data, frame + 14);
  EXPECT_TRUE(built.packet().walks());
}

TEST(ParseEthernet, EveryOtherFrameStaysAndSaysWhy) {
  struct Row {
    const char* what;
    std::size_t length;
    std::uint16_t type;
    std::uint8_t next_header;
    std::uint8_t icmp_type;
    DropReason drop;
    Punt punt;
  };
  const Row rows[] = {
      {"empty", 0, 0, 0, 0, DropReason::kFrameTruncated, Punt::kNone},
      {"a byte short", 13, 0x0800, 0, 0, DropReason::kFrameTruncated, Punt::kNone},
      {"ARP", 42, 0x0806, 0, 0, DropReason::kNone, Punt::kNeighbourMessage},
      {"LLDP", 60, 0x88cc, 0, 0, DropReason::kNone, Punt::kNotOurs},
      {"VLAN", 60, 0x8100, 0, 0, DropReason::kNone, Punt::kNotOurs},
      {"IPv6 TCP", 80, 0x86dd, 6, 135, DropReason::kIpv6NotSupported, Punt::kNone},
      {"IPv6 echo", 80, 0x86dd, 58, 128, DropReason::kIpv6NotSupported, Punt::kNone},
      {"IPv6 without its header", 54, 0x86dd, 58, 135, DropReason::kIpv6NotSupported, Punt::kNone},
      {"neighbour solicitation", 78, 0x86dd, 58, 135, DropReason::kNone, Punt::kNeighbourMessage},
      {"neighbour advertisement", 78, 0x86dd, 58, 136, DropReason::kNone, Punt::kNeighbourMessage},
      {"router solicitation", 62, 0x86dd, 58, 133, DropReason::kNone, Punt::kNeighbourMessage},
      {"multicast listener report", 80, 0x86dd, 58, 143, DropReason::kIpv6NotSupported, Punt::kNone},
      {"before discovery", 80, 0x86dd, 58, 132, DropReason::kIpv6NotSupported, Punt::kNone},
      {"behind discovery", 80, 0x86dd, 58, 138, DropReason::kIpv6NotSupported, Punt::kNone},
  };
  for (const Row& row : rows) {
    Bytes frame(100, 0);
    frame[12] = static_cast<std::uint8_t>(row.type >> 8);
    frame[13] = static_cast<std::uint8_t>(row.type & 0xff);
    frame[14 + 6] = row.next_header;
    frame[14 + 40] = row.icmp_type;
    frame.resize(row.length);
    BuiltPacket built(frame, 0, 0);
    const std::uint8_t* data = built.packet().data;
    EXPECT_FALSE(parse_ethernet(built.packet())) << row.what;
    EXPECT_EQ(built.packet().drop, row.drop) << row.what;
    EXPECT_EQ(built.packet().punt, row.punt) << row.what;
    EXPECT_EQ(built.packet().data, data) << row.what;
  }
}

// ---- IPv4: what passes

TEST(ParseIpv4, WholePacketsOfKnownProtocolsHaveTheirHeader) {
  for (const Bytes& bytes :
       {a_to_b().udp(1, 2).bytes(), a_to_b().tcp(1, 2).bytes(), a_to_b().echo_request(1, 2).bytes()}) {
    BuiltPacket built(bytes, 0, 0);
    ASSERT_TRUE(parse_ipv4(built.packet()));
    EXPECT_EQ(built.packet().protocol, bytes[9]);
    EXPECT_EQ(built.packet().l4_offset, 20);
    EXPECT_TRUE(built.packet().has_l4);
    EXPECT_FALSE(built.packet().is_fragment);
    EXPECT_FALSE(built.packet().dont_fragment);
  }
}

TEST(ParseIpv4, OtherProtocolsWalkWithoutL4) {
  auto built = a_to_b().protocol(47).payload("x").build_parsed();
  EXPECT_FALSE(built.packet().has_l4);
  EXPECT_EQ(built.packet().protocol, 47);
}

TEST(ParseIpv4, OptionsMoveTheL4Header) {
  const Bytes options(40, 1);
  auto built = a_to_b().ip_option(options).dont_fragment().udp(7, 8).build_parsed(0, 0);
  EXPECT_EQ(built.packet().l4_offset, 60);
  EXPECT_TRUE(built.packet().dont_fragment);
  EXPECT_EQ(built.packet().header<UdpHeader>(60)->source_port, 7);
}

TEST(ParseIpv4, EthernetPaddingIsCutOff) {
  auto built = a_to_b().udp(1, 2).payload("ab").trailer(16).build(0, 0);
  ASSERT_TRUE(parse_ipv4(built.packet()));
  EXPECT_EQ(built.packet().length, 30U);
  EXPECT_EQ(built.packet().tailroom, 16);
}

TEST(ParseIpv4, Fragments) {
  auto first = a_to_b().fragment(0, true).udp(1, 2).payload_size(8).build_parsed();
  EXPECT_TRUE(first.packet().is_fragment);
  EXPECT_TRUE(first.packet().has_l4);
  auto middle = a_to_b().fragment(1480, true).protocol(17).payload_size(8).build_parsed();
  EXPECT_TRUE(middle.packet().is_fragment);
  EXPECT_FALSE(middle.packet().has_l4);
  auto last = a_to_b().fragment(2960, false).protocol(17).payload_size(1).build_parsed();
  EXPECT_TRUE(last.packet().is_fragment);
  EXPECT_FALSE(last.packet().has_l4);
}

TEST(ParseIpv4, FieldsOfAnEarlierWalkAreForgotten) {
  auto built = a_to_b().udp(1, 2).build();
  built.packet().is_fragment = true;
  built.packet().dont_fragment = true;
  ASSERT_TRUE(parse_ipv4(built.packet()));
  EXPECT_FALSE(built.packet().is_fragment);
  EXPECT_FALSE(built.packet().dont_fragment);
}

// The UDP length of a first fragment is the whole datagram's.
TEST(ParseIpv4, FirstFragmentMayBeShorterThanItsDatagram) {
  Bytes bytes = a_to_b().fragment(0, true).udp(1, 2).payload_size(8).bytes();
  bytes[24] = 0x10;
  EXPECT_EQ(verdict(bytes), DropReason::kNone);
}

// ---- IPv4: what dies

TEST(ParseIpv4, EveryWayToDie) {
  using Break = std::function<void(Bytes&)>;
  const auto truncate = [](std::size_t size) { return [=](Bytes& b) { b.resize(size); }; };
  const auto put = [](std::size_t at, std::uint8_t value) { return [=](Bytes& b) { b[at] = value; }; };
  struct Row {
    const char* what;
    Bytes bytes;
    Break broken;
    bool fix;
    DropReason expected;
  };
  const Bytes udp = a_to_b().udp(1, 2).payload("abcd").bytes();
  const Bytes tcp = a_to_b().tcp(1, 2).tcp_option({2, 4, 5, 180}).bytes();
  const Bytes options = a_to_b().ip_option({7, 3, 4}).udp(1, 2).bytes();
  const Row rows[] = {
      {"nothing", udp, truncate(0), false, DropReason::kIpTruncated},
      {"19 bytes", udp, truncate(19), false, DropReason::kIpTruncated},
      {"a byte less than it says", udp, truncate(31), false, DropReason::kIpTruncated},
      {"options cut off", options, truncate(23), false, DropReason::kIpTruncated},
      {"version 6", udp, put(0, 0x65), true, DropReason::kIpHeaderInvalid},
      {"header of 16 bytes", udp, put(0, 0x44), true, DropReason::kIpHeaderInvalid},
      {"total length below the header's", udp, put(3, 19), true, DropReason::kIpHeaderInvalid},
      {"total length below the options'", options, put(3, 23), true, DropReason::kIpHeaderInvalid},
      {"total length beyond the end", udp, put(3, 33), true, DropReason::kIpTruncated},
      {"checksum", udp, put(11, 0), false, DropReason::kIpChecksumWrong},
      {"a flipped bit under the checksum", udp, put(8, 63), false, DropReason::kIpChecksumWrong},
      {"checksum over options", options, put(22, 5), false, DropReason::kIpChecksumWrong},
      {"UDP header cut", udp, put(3, 27), true, DropReason::kL4Truncated},
      {"UDP length beyond the packet", udp, put(25, 13), false, DropReason::kL4Truncated},
      {"UDP length below its header", udp, put(25, 7), false, DropReason::kL4Truncated},
      {"TCP header cut", tcp, put(3, 39), true, DropReason::kL4Truncated},
      {"TCP options cut", tcp, put(3, 43), true, DropReason::kL4Truncated},
      {"TCP data offset below its header", tcp, put(32, 0x40), false, DropReason::kL4Truncated},
      {"TCP data offset beyond the packet", tcp, put(32, 0x70), false, DropReason::kL4Truncated},
      {"ICMP header cut", a_to_b().echo_request(1, 2).bytes(), put(3, 27), true, DropReason::kL4Truncated},
      {"first fragment without its TCP header", a_to_b().fragment(0, true).protocol(6).payload_size(16).bytes(),
       [](Bytes&) {}, false, DropReason::kL4Truncated},
      {"later fragment without data", a_to_b().fragment(8, false).protocol(17).bytes(), [](Bytes&) {}, false,
       DropReason::kFragmentInvalid},
      {"fragment beyond 65535", a_to_b().fragment(65512, false).protocol(17).payload_size(9).bytes(), [](Bytes&) {},
       false, DropReason::kFragmentInvalid},
      {"TCP fragment over the flags", a_to_b().fragment(8, true).protocol(6).payload_size(8).bytes(), [](Bytes&) {},
       false, DropReason::kFragmentInvalid},
      {"TCP fragment over the checksum", a_to_b().fragment(16, true).protocol(6).payload_size(8).bytes(), [](Bytes&) {},
       false, DropReason::kFragmentInvalid},
  };
  for (const Row& row : rows) {
    Bytes bytes = row.bytes;
    row.broken(bytes);
    if (row.fix) fix_ip_checksum(bytes);
    EXPECT_EQ(verdict(bytes), row.expected) << row.what;
  }
}

TEST(ParseIpv4, TheEdgesThatJustPass) {
  EXPECT_EQ(verdict(a_to_b().fragment(65504, false).protocol(17).payload_size(11).bytes()), DropReason::kNone);
  EXPECT_EQ(verdict(a_to_b().fragment(24, false).protocol(6).payload_size(1).bytes()), DropReason::kNone);
  EXPECT_EQ(verdict(a_to_b().fragment(8, false).protocol(17).payload_size(1).bytes()), DropReason::kNone);
  EXPECT_EQ(verdict(a_to_b().protocol(47).bytes()), DropReason::kNone);
}

// ---- Unfinished checksums

// What a kernel leaves in the field: the folded sum of the pseudo header.
void leave_unfinished(Bytes& bytes, std::size_t at) {
  const auto& ip = *reinterpret_cast<const Ipv4Header*>(bytes.data());
  const auto length = static_cast<std::uint16_t>(bytes.size() - 20);
  *reinterpret_cast<Big16*>(&bytes[at]) = fold(sum_pseudo_header({ip.source}, {ip.destination}, ip.protocol, length));
}

TEST(FinishL4Checksum, FinishesWhatTheKernelBegan) {
  const PacketBuilder builders[] = {a_to_b().udp(1000, 53).payload("abc"), a_to_b().tcp(1000, 80).payload_size(1001)};
  for (const PacketBuilder& builder : builders) {
    const Bytes finished = builder.bytes();
    Bytes unfinished = finished;
    leave_unfinished(unfinished, finished[9] == 6 ? 36 : 26);
    ASSERT_NE(unfinished, finished);
    BuiltPacket built(unfinished, 0, 0);
    ASSERT_TRUE(parse_ipv4(built.packet()));
    finish_l4_checksum(built.packet());
    EXPECT_EQ(difference(finished, built.packet()), "");
  }
}

TEST(FinishL4Checksum, LeavesEveryOtherPacketAlone) {
  Bytes wrong = a_to_b().udp(1000, 53).payload("abc").bytes();
  wrong[26] ^= 0x55;
  Bytes fragment = a_to_b().fragment(0, true).udp(1, 2).payload_size(8).bytes();
  leave_unfinished(fragment, 26);
  const Bytes all[] = {a_to_b().udp(1000, 53).payload("abc").bytes(),
                       a_to_b().udp(1000, 53).without_udp_checksum().bytes(),
                       a_to_b().tcp(1, 2).bytes(),
                       a_to_b().echo_request(1, 2).bytes(),
                       a_to_b().protocol(47).payload_size(40).bytes(),
                       wrong,
                       fragment};
  for (const Bytes& bytes : all) {
    BuiltPacket built(bytes, 0, 0);
    ASSERT_TRUE(parse_ipv4(built.packet()));
    finish_l4_checksum(built.packet());
    EXPECT_EQ(difference(bytes, built.packet()), "");
  }
}

// The payload is chosen so that the right checksum equals the folded pseudo-header sum.
TEST(FinishL4Checksum, ARightChecksumThatLooksUnfinishedStays) {
  Bytes bytes = a_to_b().udp(1000, 53).payload_size(2).bytes();
  leave_unfinished(bytes, 26);
  const std::uint16_t pseudo = *reinterpret_cast<const Big16*>(&bytes[26]);
  bytes[28] = bytes[29] = 0;
  const std::uint64_t header = 1000U + 53 + 10 + 2U * pseudo;
  *reinterpret_cast<Big16*>(&bytes[28]) = static_cast<std::uint16_t>(0xffff - fold(header));
  ASSERT_EQ(test::slow_l4_checksum(Bytes(bytes.begin(), bytes.begin() + 20), Bytes(bytes.begin() + 20, bytes.end())),
            0);
  BuiltPacket built(bytes, 0, 0);
  ASSERT_TRUE(parse_ipv4(built.packet()));
  finish_l4_checksum(built.packet());
  EXPECT_EQ(difference(bytes, built.packet()), "");
}

TEST(FinishL4Checksum, AComputedZeroOfUdpIsSentAsOnes) {
  Bytes bytes = a_to_b().udp(1000, 53).payload_size(2).bytes();
  leave_unfinished(bytes, 26);
  const std::uint16_t pseudo = *reinterpret_cast<const Big16*>(&bytes[26]);
  *reinterpret_cast<Big16*>(&bytes[28]) = static_cast<std::uint16_t>(0xffff - fold(1000U + 53 + 10 + pseudo));
  BuiltPacket built(bytes, 0, 0);
  ASSERT_TRUE(parse_ipv4(built.packet()));
  finish_l4_checksum(built.packet());
  EXPECT_EQ(built.packet().header<UdpHeader>(20)->checksum, 0xffff);
}

}  // namespace
}  // namespace isthmus
