#include "dataplane/packet/fragment.h"

#include <gtest/gtest.h>

#include "test/support/packet_builder.h"

namespace isthmus {
namespace {

using test::Bytes;
using test::difference;
using test::HeapPool;
using test::PacketBuilder;

class Fragment : public testing::Test {
 protected:
  ~Fragment() override {
    for (Packet& packet : burst_.all()) {
      if (packet.buffer) pool_.release(packet);
    }
    EXPECT_EQ(pool_.outstanding(), 0U);
  }

  Packet& take(const PacketBuilder& builder) {
    Packet& packet = burst_.add();
    packet = builder.build_in(pool_);
    EXPECT_TRUE(parse_ipv4(packet));
    return packet;
  }

  HeapPool pool_{20};
  PacketBurst burst_;
};

PacketBuilder datagram() { return PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").identification(77).ttl(9).tos(4); }

Bytes slice(const Bytes& bytes, std::size_t from, std::size_t size) {
  return {bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(from + size)};
}

TEST_F(Fragment, PiecesByHand) {
  const PacketBuilder whole = datagram().udp(1000, 53).payload_size(1000);
  Packet& packet = take(whole);
  ASSERT_TRUE(fragment_ipv4(packet, 500, burst_, pool_));

  // 20 + 480 bytes fill 500; 480 is a multiple of 8.
  const Bytes l4 = slice(whole.bytes(), 20, 1008);
  ASSERT_EQ(burst_.size(), 3U);
  EXPECT_EQ(difference(datagram().fragment(0, true).protocol(17).payload(slice(l4, 0, 480)).bytes(), burst_[0]), "");
  EXPECT_EQ(difference(datagram().fragment(480, true).protocol(17).payload(slice(l4, 480, 480)).bytes(), burst_[1]),
            "");
  EXPECT_EQ(difference(datagram().fragment(960, false).protocol(17).payload(slice(l4, 960, 48)).bytes(), burst_[2]),
            "");
}

TEST_F(Fragment, ParseFieldsAreWhatParseWouldSay) {
  const Bytes copied{0x82, 4, 1, 2};
  const Bytes not_copied{0x07, 8, 4, 0, 0, 0, 0, 0};
  Packet& packet = take(datagram().ip_option(not_copied).ip_option(copied).udp(1000, 53).payload_size(1000));
  ASSERT_TRUE(fragment_ipv4(packet, 300, burst_, pool_));
  ASSERT_GT(burst_.size(), 2U);
  for (Packet& piece : burst_.all()) {
    Packet again = piece;
    again.protocol = again.l4_offset = 0;
    again.has_l4 = !piece.has_l4;
    ASSERT_TRUE(parse_ipv4(again));
    EXPECT_EQ(piece.protocol, again.protocol);
    EXPECT_EQ(piece.l4_offset, again.l4_offset);
    EXPECT_EQ(piece.has_l4, again.has_l4);
    EXPECT_EQ(piece.is_fragment, again.is_fragment);
    EXPECT_EQ(piece.dont_fragment, again.dont_fragment);
  }
}

TEST_F(Fragment, OnlyOptionsWithTheCopyFlagAreCopied) {
  const Bytes record_route{0x07, 7, 4, 0, 0, 0, 0};
  const Bytes security{0x82, 3, 9};
  Packet& packet =
      take(datagram().ip_option({1}).ip_option(record_route).ip_option(security).udp(1, 2).payload_size(200));
  const Bytes before = test::bytes_of(packet);
  ASSERT_TRUE(fragment_ipv4(packet, 100, burst_, pool_));
  EXPECT_EQ(slice(test::bytes_of(burst_[0]), 20, 12), slice(before, 20, 12));
  EXPECT_EQ(burst_[1].l4_offset, 24);
  EXPECT_EQ(slice(test::bytes_of(burst_[1]), 20, 4), (Bytes{0x82, 3, 9, 0}));
}

TEST_F(Fragment, MalformedOptionsAreNotFollowed) {
  for (const std::uint8_t length : Bytes{0, 1, 200}) {
    const std::size_t begin = burst_.size();
    Packet& packet = take(datagram().ip_option({0x82, length, 9, 9}).udp(1, 2).payload_size(200));
    ASSERT_TRUE(fragment_ipv4(packet, 100, burst_, pool_));
    EXPECT_EQ(burst_[begin + 1].l4_offset, 20);
  }
}

TEST_F(Fragment, MetadataGoesWithEveryPiece) {
  Packet& packet = take(datagram().udp(1, 2).payload_size(200));
  packet.peer = PeerIndex{7};
  packet.next_hop = 99;
  ASSERT_TRUE(fragment_ipv4(packet, 100, burst_, pool_));
  for (const Packet& piece : burst_.all()) {
    EXPECT_EQ(piece.peer, PeerIndex{7});
    EXPECT_EQ(piece.next_hop, 99U);
    EXPECT_GE(piece.headroom, BufferPool::kHeadroom);
    EXPECT_GE(piece.tailroom, 31) << "seal's padding and tag";
  }
}

TEST_F(Fragment, LastPieceOfAMiddleFragmentSaysThatMoreFollow) {
  Packet& packet = take(datagram().fragment(800, true).protocol(17).payload_size(160));
  ASSERT_TRUE(fragment_ipv4(packet, 100, burst_, pool_));
  ASSERT_EQ(burst_.size(), 2U);
  EXPECT_EQ(burst_[0].header<Ipv4Header>()->fragment, 0x2000 | 800 / 8);
  EXPECT_EQ(burst_[1].header<Ipv4Header>()->fragment, 0x2000 | 880 / 8);
}

TEST_F(Fragment, TheLastPieceMayFillTheMtuToTheByte) {
  Packet& packet = take(datagram().protocol(47).payload_size(80 + 83));
  ASSERT_TRUE(fragment_ipv4(packet, 103, burst_, pool_));
  ASSERT_EQ(burst_.size(), 2U);
  EXPECT_EQ(burst_[1].length, 103U);
}

TEST_F(Fragment, WithoutBuffersNothingHappens) {
  HeapPool poor(2);
  Packet& packet = take(datagram().udp(1, 2).payload_size(400));
  const Bytes before = test::bytes_of(packet);
  EXPECT_FALSE(fragment_ipv4(packet, 100, burst_, poor));
  EXPECT_EQ(difference(before, packet), "");
  EXPECT_FALSE(packet.is_fragment);
  EXPECT_EQ(burst_.size(), 1U);
  EXPECT_EQ(poor.outstanding(), 0U);
}

TEST_F(Fragment, WithoutRoomInTheBurstNothingHappens) {
  Packet& packet = take(datagram().udp(1, 2).payload_size(400));
  const Bytes before = test::bytes_of(packet);
  while (burst_.size() < kBurstCapacity - 2) burst_.add();
  EXPECT_FALSE(fragment_ipv4(packet, 100, burst_, pool_));
  EXPECT_EQ(difference(before, packet), "");
  EXPECT_EQ(burst_.size(), kBurstCapacity - 2);
  EXPECT_EQ(pool_.outstanding(), 1U);
}

// 68 - 60 bytes of header leave 8 for the TCP header.
TEST_F(Fragment, AFirstPieceWithoutItsL4HeaderIsRefused) {
  const Bytes options(40, 1);
  Packet& packet = take(datagram().ip_option(options).tcp(1, 2).payload_size(100));
  const Bytes before = test::bytes_of(packet);
  EXPECT_FALSE(fragment_ipv4(packet, 68, burst_, pool_));
  EXPECT_EQ(difference(before, packet), "");
  EXPECT_TRUE(fragment_ipv4(packet, 84, burst_, pool_));

  // A TCP header of 52 bytes; 68 - 20 leave 48.
  PacketBuilder long_header = datagram().tcp(1, 2).payload_size(100);
  for (int i = 0; i < 32; ++i) long_header.tcp_option({1});
  Packet& long_packet = take(long_header);
  EXPECT_FALSE(fragment_ipv4(long_packet, 68, burst_, pool_));
  EXPECT_TRUE(fragment_ipv4(long_packet, 76, burst_, pool_));
}

// A jumbo frame on a path of jumbo frames: the pieces are as large as a buffer allows.
TEST_F(Fragment, PiecesFitTheBuffers) {
  auto jumbo = datagram().udp(1, 2).payload_size(8900).build_parsed();
  ASSERT_TRUE(fragment_ipv4(jumbo.packet(), 4000, burst_, pool_));
  std::size_t data = jumbo.packet().length - 20;
  for (const Packet& piece : burst_.all()) {
    EXPECT_GE(piece.tailroom, 31);
    data += piece.length - 20;
  }
  EXPECT_EQ(data, 8908U);
}

}  // namespace
}  // namespace isthmus
