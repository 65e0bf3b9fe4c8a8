#include <gtest/gtest.h>

#include <memory>

#include "dataplane/packet/fragment.h"
#include "nat/rewrite.h"
#include "test/model/nat/slow_nat.h"
#include "test/support/random.h"

namespace isthmus::nat {
namespace {

using test::BuiltPacket;
using test::Bytes;
using test::difference;
using test::PacketBuilder;
using test::Random;

class RewriteModel : public testing::Test {
 protected:
  // Never the identity: equal mappings hide swapped directions.
  PrefixMap random_map() {
    const auto length = static_cast<std::uint8_t>(random_.between(1, 32));
    const Ipv4Prefix real = make_prefix({random_extreme_word()}, length);
    Ipv4Prefix seen_as = real;
    while (seen_as == real) seen_as = make_prefix({random_extreme_word()}, length);
    return make_prefix_map(real, seen_as);
  }
  // Words of zeros and ones are where one's complement has its corners.
  std::uint32_t random_extreme_word() {
    std::uint32_t word = random_.word();
    if (random_.one_in(4)) word |= 0x0000ffff;
    if (random_.one_in(4)) word &= 0x0000ffff;
    if (random_.one_in(4)) word |= 0xffff0000;
    if (random_.one_in(4)) word &= 0xffff0000;
    return word;
  }
  Ipv4Address random_address(Ipv4Prefix prefix) {
    return {prefix.network.value | (random_extreme_word() & ~prefix.mask())};
  }
  PacketBuilder random_content() {
    PacketBuilder builder;
    builder.ttl(static_cast<std::uint8_t>(random_.word())).identification(static_cast<std::uint16_t>(random_.word()));
    if (random_.one_in(4)) builder.ip_option(Bytes(4 * random_.below(10), 1));
    const auto a = static_cast<std::uint16_t>(random_.word());
    const auto b = static_cast<std::uint16_t>(random_.word());
    switch (random_.below(5)) {
      case 0:
        builder.udp(a, b);
        break;
      case 1:
        builder.udp(a, b).without_udp_checksum();
        break;
      case 2:
        builder.tcp(a, b);
        break;
      case 3:
        builder.echo_request(a, b);
        break;
      default:
        builder.protocol(static_cast<std::uint8_t>(random_.between(50, 200)));
    }
    return builder.payload(random_.bytes(2 * random_.below(60)));
  }
  static BuiltPacket rewritten(const Bytes& bytes, const PrefixMap& source_map, const PrefixMap& destination_map) {
    BuiltPacket built(bytes, 0, 0);
    EXPECT_TRUE(parse_ipv4(built.packet()));
    built.packet().source_map = &source_map;
    built.packet().destination_map = &destination_map;
    rewrite(built.packet());
    return built;
  }

  Random random_;
};

TEST_F(RewriteModel, EqualsRecomputation) {
  for (int round = 0; round < 50000; ++round) {
    const PrefixMap source_map = random_map();
    const PrefixMap destination_map = random_map();
    const Bytes before =
        random_content().ipv4(random_address(source_map.real), random_address(destination_map.seen_as)).bytes();
    ASSERT_EQ(difference(test::slow_nat(before, source_map, destination_map),
                         rewritten(before, source_map, destination_map).packet()),
              "");
  }
}

// A last word is chosen so that the rewritten packet's TCP or UDP checksum computes to zero.
TEST_F(RewriteModel, EqualsRecomputationWhereTheChecksumBecomesZero) {
  for (int round = 0; round < 20000; ++round) {
    const PrefixMap source_map = random_map();
    const PrefixMap destination_map = random_map();
    PacketBuilder builder;
    const bool tcp = random_.one_in(2);
    tcp ? builder.tcp(1, 2) : builder.udp(1, 2);
    builder.ipv4(random_address(source_map.real), random_address(destination_map.seen_as))
        .payload(random_.bytes(2 * random_.below(20)));
    PacketBuilder longer = builder;
    Bytes after = test::slow_nat(longer.payload(Bytes{0, 0}).bytes(), source_map, destination_map);
    const std::size_t at = tcp ? 36 : 26;
    const Bytes before = builder.payload(Bytes{after[at], after[at + 1]}).bytes();
    after = test::slow_nat(before, source_map, destination_map);
    ASSERT_EQ(after[at] * 256 + after[at + 1], tcp ? 0 : 0xffff);
    ASSERT_EQ(difference(after, rewritten(before, source_map, destination_map).packet()), "");
  }
}

// What went out through (local, remote) and is answered comes back through (remote, local) to who had asked, from whom
// it had asked.
TEST_F(RewriteModel, OutAndBackIsTheIdentity) {
  for (int round = 0; round < 50000; ++round) {
    const PrefixMap local = random_map();
    const PrefixMap remote = random_map();
    const Ipv4Address pod = random_address(local.real);
    const Ipv4Address other = random_address(remote.seen_as);
    PacketBuilder content = random_content();
    const BuiltPacket out = rewritten(content.ipv4(pod, other).bytes(), local, remote);
    const auto& wire = *out.packet().header<Ipv4Header>();
    const Bytes answer = content.ipv4(Ipv4Address{wire.destination}, Ipv4Address{wire.source}).bytes();
    const BuiltPacket back = rewritten(answer, remote, local);
    ASSERT_EQ(difference(content.ipv4(other, pod).bytes(), back.packet()), "");
  }
}

// An error about the packet that went out comes back quoting the packet as it was sent, cut anywhere.
TEST_F(RewriteModel, ErrorsQuoteWhatWasSent) {
  for (int round = 0; round < 50000; ++round) {
    const PrefixMap local = random_map();
    const PrefixMap remote = random_map();
    const Bytes sent = random_content().ipv4(random_address(local.real), random_address(remote.seen_as)).bytes();
    const BuiltPacket out = rewritten(sent, local, remote);
    ASSERT_EQ(test::slow_quote(out.bytes(), remote, local), sent) << "the twin itself";

    const std::size_t size = random_.between(20, sent.size());
    Bytes expected_quote(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(size));
    Bytes quote = out.bytes();
    quote.resize(size);
    const std::size_t header = (sent[0] & 0x0fU) * 4U;
    const std::size_t checksum = header + (sent[9] == 6 ? 16 : 6);
    if ((sent[9] == 6 || sent[9] == 17) && size == checksum + 1) expected_quote[checksum] = quote[checksum];

    const Ipv4Address router = random_address(remote.real);
    const auto type = static_cast<std::uint8_t>(random_.one_in(2) ? 3 : 11);
    const std::uint32_t rest = random_.word();
    const Bytes error = PacketBuilder()
                            .ipv4(router, Ipv4Address{out.packet().header<Ipv4Header>()->source})
                            .icmp(type, 0, rest)
                            .payload(quote)
                            .bytes();
    const Ipv4Address router_here{test::slow_translate(router.value, remote.seen_as.network.value, remote.real.length)};
    const Bytes expected = PacketBuilder()
                               .ipv4(router_here, Ipv4Address{test::slow_word(sent, 12)})
                               .icmp(type, 0, rest)
                               .payload(expected_quote)
                               .bytes();
    ASSERT_EQ(difference(expected, rewritten(error, remote, local).packet()), "") << "quote of " << size;
  }
}

// Cutting and rewriting commute.
TEST_F(RewriteModel, FragmentsBecomeFragmentsOfTheRewrittenDatagram) {
  test::HeapPool pool;
  const auto pieces = std::make_unique<PacketBurst>();
  for (int round = 0; round < 2000; ++round) {
    const PrefixMap source_map = random_map();
    const PrefixMap destination_map = random_map();
    const Bytes before = random_content()
                             .payload_size(500)
                             .ipv4(random_address(source_map.real), random_address(destination_map.seen_as))
                             .bytes();
    BuiltPacket whole(before, 0, 0);
    ASSERT_TRUE(parse_ipv4(whole.packet()));
    whole.packet().source_map = &source_map;
    whole.packet().destination_map = &destination_map;
    const std::size_t header = whole.packet().l4_offset;
    pieces->clear();
    Packet& first = pieces->add();
    first = whole.packet();
    ASSERT_TRUE(fragment_ipv4(first, static_cast<std::uint16_t>(random_.between(120, 400)), *pieces, pool));

    Bytes l4;
    for (Packet& piece : pieces->all()) {
      rewrite(piece);
      BuiltPacket again(test::bytes_of(piece), 0, 0);
      ASSERT_TRUE(parse_ipv4(again.packet()));
      l4.insert(l4.end(), piece.data + piece.l4_offset, piece.data + piece.length);
      if (piece.buffer) pool.release(piece);
    }
    const Bytes after = test::slow_nat(before, source_map, destination_map);
    ASSERT_EQ(l4, Bytes(after.begin() + static_cast<std::ptrdiff_t>(header), after.end()));
  }
  EXPECT_EQ(pool.outstanding(), 0U);
}

}  // namespace
}  // namespace isthmus::nat
