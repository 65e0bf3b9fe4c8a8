// Both directions of the example in the design: two clusters with the same 10.244.0.0/16. A sees B as 10.71.0.0/16, B
// sees A as 10.72.0.0/16, and here A's gateway alone translates both sides.

#include "nat/rewrite.h"

#include <gtest/gtest.h>

#include "dataplane/packet/checksum.h"
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

struct Row {
  const char* what;
  PacketBuilder packet;
};

const Row kRows[] = {
    {"UDP", PacketBuilder().udp(1000, 53).payload("hello")},
    {"UDP without checksum", PacketBuilder().udp(1000, 53).without_udp_checksum().payload("hello")},
    {"TCP", PacketBuilder().tcp(1000, 80, 2).tcp_option({2, 4, 5, 180}).payload_size(77)},
    {"echo", PacketBuilder().echo_request(1, 2).payload_size(56)},
    {"IP options", PacketBuilder().ip_option({7, 7, 4, 0, 0, 0, 0}).udp(1, 2).payload("x")},
    {"a protocol that we do not know", PacketBuilder().protocol(47).payload_size(40)},
    {"a later fragment", PacketBuilder().fragment(1480, true).protocol(17).payload_size(64)},
    {"a later fragment of TCP", PacketBuilder().fragment(1480, false).protocol(6).payload_size(64)},
    {"a first fragment of an echo", PacketBuilder().fragment(0, true).echo_request(1, 2).payload_size(64)},
};

void expect_rewritten(const Bytes& before, const PrefixMap& source_map, const PrefixMap& destination_map,
                      const Bytes& after, const char* what) {
  BuiltPacket built(before, 0, 0);
  ASSERT_TRUE(parse_ipv4(built.packet())) << what;
  built.packet().source_map = &source_map;
  built.packet().destination_map = &destination_map;
  rewrite(built.packet());
  EXPECT_EQ(difference(after, built.packet()), "") << what;
}

TEST(Rewrite, Outbound) {
  for (Row row : kRows) {
    const Bytes before = row.packet.ipv4("10.244.1.5", "10.71.2.7").bytes();
    const Bytes after = row.packet.ipv4("10.72.1.5", "10.244.2.7").bytes();
    expect_rewritten(before, kLocal, kRemote, after, row.what);
  }
}

TEST(Rewrite, Inbound) {
  for (Row row : kRows) {
    const Bytes before = row.packet.ipv4("10.244.2.7", "10.72.1.5").bytes();
    const Bytes after = row.packet.ipv4("10.71.2.7", "10.244.1.5").bytes();
    expect_rewritten(before, kRemote, kLocal, after, row.what);
  }
}

TEST(Rewrite, IdentityMapsChangeNothing) {
  const PrefixMap same = make_prefix_map(prefix4("10.0.0.0/8"), prefix4("10.0.0.0/8"));
  for (Row row : kRows) {
    const Bytes bytes = row.packet.ipv4("10.244.1.5", "10.71.2.7").bytes();
    expect_rewritten(bytes, same, same, bytes, row.what);
  }
}

// The first fragment's checksum is the whole datagram's: it changes by the same delta although it cannot be recomputed.
TEST(Rewrite, FirstFragmentsFollowTheWholeDatagram) {
  const auto first_of = [](PacketBuilder whole, const char* source, const char* destination) {
    Bytes bytes = whole.ipv4(source, destination).bytes();
    const Bytes l4(bytes.begin() + 20, bytes.begin() + 20 + 64);
    return PacketBuilder().ipv4(source, destination).fragment(0, true).protocol(bytes[9]).payload(l4).bytes();
  };
  for (const PacketBuilder& whole :
       {PacketBuilder().udp(1, 2).payload_size(500), PacketBuilder().tcp(1, 2).payload_size(500)}) {
    expect_rewritten(first_of(whole, "10.244.1.5", "10.71.2.7"), kLocal, kRemote,
                     first_of(whole, "10.72.1.5", "10.244.2.7"), "outbound");
    expect_rewritten(first_of(whole, "10.244.2.7", "10.72.1.5"), kRemote, kLocal,
                     first_of(whole, "10.71.2.7", "10.244.1.5"), "inbound");
  }
}

// RFC 768: a checksum that comes out as zero is sent as all ones. The payload is chosen so that it does.
TEST(Rewrite, AUdpChecksumThatBecomesZeroIsSentAsOnes) {
  PacketBuilder seed = PacketBuilder().ipv4("10.72.1.5", "10.244.2.7").udp(1, 2).payload(Bytes{0, 0});
  const Bytes bytes = seed.bytes();
  const Bytes last{bytes[26], bytes[27]};
  PacketBuilder chosen = PacketBuilder().udp(1, 2).payload(last);
  const Bytes after = chosen.ipv4("10.72.1.5", "10.244.2.7").bytes();
  ASSERT_EQ((Bytes{after[26], after[27]}), (Bytes{0xff, 0xff}));
  expect_rewritten(chosen.ipv4("10.244.1.5", "10.71.2.7").bytes(), kLocal, kRemote, after, "becomes zero");
  expect_rewritten(after, make_prefix_map(prefix4("10.72.0.0/16"), prefix4("10.244.0.0/16")),
                   make_prefix_map(prefix4("10.71.0.0/16"), prefix4("10.244.0.0/16")),
                   chosen.ipv4("10.244.1.5", "10.71.2.7").bytes(), "and back");
}

TEST(Rewrite, TheTtlIsNotTouched) {
  auto built = PacketBuilder().ipv4("10.244.1.5", "10.71.2.7").ttl(1).udp(1, 2).build_parsed();
  built.packet().source_map = &kLocal;
  built.packet().destination_map = &kRemote;
  rewrite(built.packet());
  EXPECT_EQ(built.packet().header<Ipv4Header>()->ttl, 1);
  EXPECT_TRUE(built.packet().walks());
}

TEST(RewriteDeathTest, AMapThatDoesNotFitIsTheCallersBug) {
  auto built = PacketBuilder().ipv4("10.1.1.5", "10.71.2.7").udp(1, 2).build_parsed();
  built.packet().source_map = &kLocal;
  built.packet().destination_map = &kRemote;
  EXPECT_DEBUG_DEATH(rewrite(built.packet()), "");
}

}  // namespace
}  // namespace isthmus::nat
