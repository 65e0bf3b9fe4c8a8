// Explicit Congestion Notification through the tunnel: RFC 6040, each cell of its figures, over both underlays. DSCP is
// no part of it and stays.

#include <gtest/gtest.h>

#include "dataplane/pipeline/seal.h"
#include "test/support/walk_world.h"

namespace isthmus::test {
namespace {

using pipeline::Direction;

constexpr std::size_t kIp = sizeof(EthernetHeader);
constexpr std::uint8_t kDscp = 0xb8;
constexpr std::uint8_t kNotEct = 0b00;
constexpr std::uint8_t kEct1 = 0b01;
constexpr std::uint8_t kEct0 = 0b10;
constexpr std::uint8_t kCe = 0b11;
constexpr std::uint8_t kDropped = 0xff;

// RFC 6040 figure 4, a line for each inner field, a column for each outer one.
constexpr std::uint8_t kOuterFields[] = {kNotEct, kEct0, kEct1, kCe};
struct Line {
  std::uint8_t inner;
  std::uint8_t leaves[4];
};
constexpr Line kFigure4[] = {
    {kNotEct, {kNotEct, kNotEct, kNotEct, kDropped}},
    {kEct0, {kEct0, kEct0, kEct1, kCe}},
    {kEct1, {kEct1, kEct1, kEct1, kCe}},
    {kCe, {kCe, kCe, kCe, kCe}},
};

// The traffic class of the frame's IP header, whichever version.
std::uint8_t outer_class(const Bytes& frame) {
  if (frame[kIp] >> 4 == 4) return frame[kIp + 1];
  return static_cast<std::uint8_t>(frame[kIp] << 4 | frame[kIp + 1] >> 4);
}
// What a router on the way does.
void mark(Bytes& frame, std::uint8_t ecn) {
  if (frame[kIp] >> 4 == 6) {
    frame[kIp + 1] = static_cast<std::uint8_t>((frame[kIp + 1] & 0xcf) | ecn << 4);
    return;
  }
  frame[kIp + 1] = static_cast<std::uint8_t>((frame[kIp + 1] & ~kCe) | ecn);
  frame[kIp + 10] = frame[kIp + 11] = 0;
  const std::uint16_t checksum = slow_checksum(Bytes(frame.begin() + kIp, frame.begin() + kIp + sizeof(Ipv4Header)));
  frame[kIp + 10] = static_cast<std::uint8_t>(checksum >> 8);
  frame[kIp + 11] = static_cast<std::uint8_t>(checksum & 0xff);
}

void over_ipv6(WalkWorld& world) {
  const Ipv6Address near = ip6("2001:db8::1");
  const Ipv6Address far = ip6("2001:db8::2");
  delete world.near.shared.peers[0]->lane(0).outer.exchange(new pipeline::OuterHeader({.source_mac = kUnderlayMac,
                                                                                       .next_hop_mac = kUnderlayMac,
                                                                                       .source = near,
                                                                                       .source_port = 51820,
                                                                                       .destination = {far, 51820}}));
  world.far.shared.underlay.publish(std::make_unique<pipeline::NextHops>(
                                        kUnderlayMac, Ipv4Address{}, std::span<pipeline::NextHops::RouteEntry>{},
                                        std::span<pipeline::NextHops::NeighbourEntry>{}, std::vector<IpAddress>{far}),
                                    world.far.reclaimer);
}

PacketBuilder sent(std::uint8_t tos) { return WalkWorld::from_pod().tos(tos).udp(1000, 2000).payload("hello"); }
PacketBuilder received(std::uint8_t tos) {
  return PacketBuilder()
      .ethernet(kPodMac, kClusterMac)
      .ipv4("10.72.1.5", "10.244.2.7")
      .ttl(62)
      .tos(tos)
      .udp(1000, 2000)
      .payload("hello");
}

struct Underlay {
  const char* name;
  void (*prepare)(WalkWorld&);
};

class EcnTest : public testing::TestWithParam<Underlay> {
 protected:
  // The one frame that the near gateway makes of a packet with that TOS.
  static Bytes sealed(WalkWorld& world, std::uint8_t tos) {
    GetParam().prepare(world);
    world.from_cluster(sent(tos).bytes());
    std::vector<Bytes> frames = WalkWorld::take(world.near, world.near.underlay);
    return frames.size() == 1 ? frames[0] : Bytes(kIp + sizeof(Ipv6Header));
  }
};

// Section 4.1 in normal mode (figure 3).
TEST_P(EcnTest, IngressCopiesTheInnerField) {
  for (const std::uint8_t inner : kOuterFields) {
    WalkWorld world;
    const Bytes frame = sealed(world, kDscp | inner);
    EXPECT_EQ(outer_class(frame), inner);
    if (frame[kIp] >> 4 == 4) {
      EXPECT_EQ(slow_checksum(Bytes(frame.begin() + kIp, frame.begin() + kIp + sizeof(Ipv4Header))), 0) << inner + 0U;
    }
  }
}

// Section 4.2 (figure 4).
TEST_P(EcnTest, EgressCombinesBothFields) {
  for (const Line& line : kFigure4) {
    for (std::size_t column = 0; column < std::size(kOuterFields); ++column) {
      SCOPED_TRACE("inner " + std::to_string(line.inner) + ", outer " + std::to_string(kOuterFields[column]));
      WalkWorld world;
      Bytes frame = sealed(world, kDscp | line.inner);
      mark(frame, kOuterFields[column]);
      world.receive(world.far, world.far.underlay, frame);
      const std::vector<Bytes> arrived = WalkWorld::take(world.far, world.far.cluster);
      const bool dropped = line.leaves[column] == kDropped;
      EXPECT_EQ(world.far.drops(Direction::kInbound, DropReason::kEcnCongestedNotCapable), dropped ? 1U : 0U);
      EXPECT_EQ(world.far.imbalance(Direction::kInbound), "");
      ASSERT_EQ(arrived.size(), dropped ? 0U : 1U);
      if (dropped) continue;
      EXPECT_EQ(difference(received(kDscp | line.leaves[column]).bytes(), BuiltPacket(arrived[0]).packet()), "");
    }
  }
}

constexpr Underlay kUnderlays[] = {{"IPv4", [](WalkWorld&) {}}, {"IPv6", over_ipv6}};
INSTANTIATE_TEST_SUITE_P(Walk, EcnTest, testing::ValuesIn(kUnderlays),
                         [](const auto& row) { return std::string(row.param.name); });

// Messages of the tunnel's own carry nothing that could be marked.
TEST(Ecn, AKeepaliveIsNotCapable) {
  WalkWorld world;
  Packet packet;
  ASSERT_TRUE(world.near.pool.allocate(packet));
  ASSERT_TRUE(pipeline::seal_keepalive(*world.near.sessions[0], *world.near.walker.aead, packet));
  world.near.shared.peers[0]->lane(0).outer.load()->put_on(packet, 0);
  EXPECT_EQ(outer_class(bytes_of(packet)), 0);
  world.near.pool.release(packet);
}

}  // namespace
}  // namespace isthmus::test
