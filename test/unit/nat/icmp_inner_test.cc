// ICMP errors that come back about translated packets. An expected error is one built from scratch around the packet
// as the receiver had sent it.

#include "nat/icmp_inner.h"

#include <gtest/gtest.h>

#include "nat/rewrite.h"
#include "test/support/packet_builder.h"

namespace isthmus::nat {
namespace {

using test::BuiltPacket;
using test::Bytes;
using test::difference;
using test::PacketBuilder;
using test::prefix4;

const PrefixMap kRemote = make_prefix_map(prefix4("10.244.0.0/16"), prefix4("10.71.0.0/16"));
const PrefixMap kLocal = make_prefix_map(prefix4("10.244.0.0/16"), prefix4("10.72.0.0/16"));

// An error from the peer's 10.244.2.1 to our 10.72.1.5, inbound, and what our pod 10.244.1.5 shall see of it.
Bytes error_on_the_wire(const Bytes& quote, std::uint8_t type = 3, std::uint8_t code = 3) {
  return PacketBuilder().ipv4("10.244.2.1", "10.72.1.5").icmp(type, code, 1420).payload(quote).bytes();
}
Bytes error_at_the_pod(const Bytes& quote, std::uint8_t type = 3, std::uint8_t code = 3) {
  return PacketBuilder().ipv4("10.71.2.1", "10.244.1.5").icmp(type, code, 1420).payload(quote).bytes();
}

void expect_inbound(const Bytes& before, const Bytes& after, const std::string& what = "") {
  BuiltPacket built(before, 0, 0);
  ASSERT_TRUE(parse_ipv4(built.packet())) << what;
  built.packet().source_map = &kRemote;
  built.packet().destination_map = &kLocal;
  rewrite(built.packet());
  EXPECT_EQ(difference(after, built.packet()), "") << what;
}

// The quoted packet on the wire: our pod as the peer sees it -> the peer's pod in its real form. And as the pod sent
// it.
Bytes quoted_on_the_wire(PacketBuilder packet) { return packet.ipv4("10.72.1.5", "10.244.2.7").bytes(); }
Bytes quoted_as_sent(PacketBuilder packet) { return packet.ipv4("10.244.1.5", "10.71.2.7").bytes(); }

const PacketBuilder kUdp = PacketBuilder().udp(1000, 53).payload("hello");
const PacketBuilder kTcp = PacketBuilder().tcp(1000, 80).payload_size(10);
const PacketBuilder kEcho = PacketBuilder().echo_request(1, 2).payload_size(10);

TEST(IcmpInner, WholeQuotesOfEachProtocol) {
  for (const PacketBuilder& packet : {kUdp, kTcp, kEcho, PacketBuilder().protocol(47).payload_size(24)}) {
    expect_inbound(error_on_the_wire(quoted_on_the_wire(packet)), error_at_the_pod(quoted_as_sent(packet)));
  }
}

TEST(IcmpInner, EveryTypeThatQuotes) {
  for (const int type : {3, 4, 5, 11, 12}) {
    const auto t = static_cast<std::uint8_t>(type);
    expect_inbound(error_on_the_wire(quoted_on_the_wire(kUdp), t, 0), error_at_the_pod(quoted_as_sent(kUdp), t, 0));
  }
}

TEST(IcmpInner, QueriesAreLeftAlone) {
  for (const int type : {0, 8, 13, 14}) {
    const auto t = static_cast<std::uint8_t>(type);
    const Bytes data = quoted_on_the_wire(kUdp);
    expect_inbound(error_on_the_wire(data, t, 0), error_at_the_pod(data, t, 0));
  }
}

// Cut after every byte: what is quoted of a checksum follows, what is not quoted is not touched.
TEST(IcmpInner, TruncatedQuotes) {
  for (const PacketBuilder& packet : {kUdp, kTcp, kEcho}) {
    const Bytes wire = quoted_on_the_wire(packet);
    const Bytes sent = quoted_as_sent(packet);
    for (std::size_t size = 20; size <= wire.size(); ++size) {
      const auto cut = [size](Bytes bytes) { return bytes.resize(size), bytes; };
      Bytes expected = cut(sent);
      // Half a checksum stays as it was.
      const std::size_t checksum = wire[9] == 6 ? 36 : wire[9] == 17 ? 26 : size;
      if (size == checksum + 1) expected[checksum] = wire[checksum];
      expect_inbound(error_on_the_wire(cut(wire)), error_at_the_pod(expected), std::to_string(size));
    }
  }
}

TEST(IcmpInner, AQuoteWithoutAWholeIpHeaderIsLeftAlone) {
  for (std::size_t size = 0; size < 20; ++size) {
    Bytes quote = quoted_on_the_wire(kUdp);
    quote.resize(size);
    expect_inbound(error_on_the_wire(quote), error_at_the_pod(quote), std::to_string(size));
  }
}

TEST(IcmpInner, SomethingElseThanIpv4IsLeftAlone) {
  for (const int first : {0x65, 0x44, 0x00}) {
    Bytes quote = quoted_on_the_wire(kUdp);
    quote[0] = static_cast<std::uint8_t>(first);
    expect_inbound(error_on_the_wire(quote), error_at_the_pod(quote), std::to_string(first));
  }
}

TEST(IcmpInner, QuotedOptionsMoveTheL4Header) {
  const Bytes options(12, 1);
  for (PacketBuilder packet : {kUdp, kTcp}) {
    packet.ip_option(options);
    expect_inbound(error_on_the_wire(quoted_on_the_wire(packet)), error_at_the_pod(quoted_as_sent(packet)));
    const auto cut = [](Bytes bytes) { return bytes.resize(24), bytes; };  // inside the options
    expect_inbound(error_on_the_wire(cut(quoted_on_the_wire(packet))), error_at_the_pod(cut(quoted_as_sent(packet))));
  }
}

TEST(IcmpInner, UdpWithoutChecksumStaysSo) {
  PacketBuilder packet = kUdp;
  packet.without_udp_checksum();
  expect_inbound(error_on_the_wire(quoted_on_the_wire(packet)), error_at_the_pod(quoted_as_sent(packet)));
}

TEST(IcmpInner, LaterFragmentsHaveNoChecksum) {
  for (const int protocol : {6, 17}) {
    PacketBuilder packet =
        PacketBuilder().fragment(1480, true).protocol(static_cast<std::uint8_t>(protocol)).payload_size(64);
    expect_inbound(error_on_the_wire(quoted_on_the_wire(packet)), error_at_the_pod(quoted_as_sent(packet)));
  }
}

// Routers on the way have lowered the TTL, some without touching the checksum: what was wrong stays wrong by as much.
TEST(IcmpInner, AWrongQuotedChecksumIsNotRepaired) {
  Bytes wire = quoted_on_the_wire(kUdp);
  Bytes sent = quoted_as_sent(kUdp);
  wire[8] = sent[8] = 1;
  expect_inbound(error_on_the_wire(wire), error_at_the_pod(sent));
}

// RFC 4884: the quote is padded to 128 bytes and an extension follows.
TEST(IcmpInner, PaddingAndExtensionsBehindTheQuoteAreNotTouched) {
  const auto extended = [](Bytes quote, std::size_t size) {
    quote.resize(size);
    quote.insert(quote.end(), {0x20, 0, 0xdf, 0xff});
    return quote;
  };
  expect_inbound(error_on_the_wire(extended(quoted_on_the_wire(kTcp), 128)),
                 error_at_the_pod(extended(quoted_as_sent(kTcp), 128)));
  // The quoted datagram itself ends before its checksum would.
  PacketBuilder shorter = PacketBuilder().protocol(6).payload_size(12);
  expect_inbound(error_on_the_wire(extended(quoted_on_the_wire(shorter), 128)),
                 error_at_the_pod(extended(quoted_as_sent(shorter), 128)));
}

TEST(IcmpInner, AddressesThatWereNotTranslatedStay) {
  const auto quote = [](const char* source, const char* destination) {
    return PacketBuilder().ipv4(source, destination).udp(1, 2).payload("x").bytes();
  };
  expect_inbound(error_on_the_wire(quote("192.0.2.1", "198.51.100.1")),
                 error_at_the_pod(quote("192.0.2.1", "198.51.100.1")));
  expect_inbound(error_on_the_wire(quote("10.72.1.5", "198.51.100.1")),
                 error_at_the_pod(quote("10.244.1.5", "198.51.100.1")));
  expect_inbound(error_on_the_wire(quote("192.0.2.1", "10.244.2.7")),
                 error_at_the_pod(quote("192.0.2.1", "10.71.2.7")));
}

TEST(IcmpInner, OutboundExchangesTheRolesToo) {
  const Bytes before = PacketBuilder()
                           .ipv4("10.244.1.1", "10.71.2.7")
                           .icmp(11, 0)
                           .payload(PacketBuilder().ipv4("10.71.2.7", "10.244.1.5").tcp(80, 1000).bytes())
                           .bytes();
  const Bytes after = PacketBuilder()
                          .ipv4("10.72.1.1", "10.244.2.7")
                          .icmp(11, 0)
                          .payload(PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").tcp(80, 1000).bytes())
                          .bytes();
  BuiltPacket built(before, 0, 0);
  ASSERT_TRUE(parse_ipv4(built.packet()));
  built.packet().source_map = &kLocal;
  built.packet().destination_map = &kRemote;
  rewrite(built.packet());
  EXPECT_EQ(difference(after, built.packet()), "");
}

}  // namespace
}  // namespace isthmus::nat
