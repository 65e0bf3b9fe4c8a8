#include "dataplane/pipeline/admit.h"

#include <gtest/gtest.h>

#include "test/support/walk_world.h"

namespace isthmus::test {
namespace {

using pipeline::Direction;

const MacAddress kRouter = mac("02:00:00:00:02:09");

// Whether a frame is a cookie reply that answers the jar's last message.
bool is_cookie_for(tunnel::CookieJar& jar, const Bytes& frame, std::size_t headers) {
  tunnel::MessageCookieReply reply;
  if (frame.size() != headers + sizeof(reply)) return false;
  std::memcpy(&reply, frame.data() + headers, sizeof(reply));
  return reply.type == 3 && jar.consume_reply(reply, kStart);
}

class AdmitTest : public testing::Test {
 protected:
  void pile_up() {
    while (!world.near.walker.mailbox.handshakes_pile_up()) world.near.walker.mailbox.handshake_to_service({});
  }
  // An initiation with the jar's macs, sent by a machine behind a router.
  Bytes initiation() {
    Bytes message(sizeof(tunnel::MessageInitiation), 0x33);
    constexpr std::uint8_t kType[] = {1, 0, 0, 0};
    std::ranges::copy(kType, message.begin());
    jar.add_macs(message, kStart);
    return message;
  }
  Bytes frame() {
    return PacketBuilder()
        .ethernet(kUnderlayMac, kRouter)
        .ipv4("198.51.100.7", "192.0.2.1")
        .udp(4000, 51820)
        .payload(initiation())
        .bytes();
  }

  WalkWorld world;
  tunnel::CookieJar jar{MemoryGateway::kPublicKey};
};

TEST_F(AdmitTest, TheServiceThreadGetsACopy) {
  const Bytes sent = frame();
  world.from_underlay(sent);
  EXPECT_EQ(world.near.pool.outstanding(), 0U) << "a message that waits holds a packet's memory";
  pipeline::HandshakeMessage taken;
  ASSERT_TRUE(world.near.walker.mailbox.take_handshake(taken));
  EXPECT_EQ(to_string(taken.source), "198.51.100.7:4000");
  EXPECT_EQ(taken.port, 51820);
  EXPECT_EQ(Bytes(taken.message().begin(), taken.message().end()),
            Bytes(sent.end() - sizeof(tunnel::MessageInitiation), sent.end()));
  EXPECT_FALSE(world.near.walker.mailbox.take_handshake(taken));
  EXPECT_EQ(world.near.walker.counters[1].punts[static_cast<std::size_t>(Punt::kHandshake)].get(), 1U);
}

TEST_F(AdmitTest, ACookieGoesBackTheWayTheQuestionCame) {
  pile_up();
  world.from_underlay(frame());
  const std::vector<Bytes> sent = WalkWorld::take(world.near, world.near.underlay);
  ASSERT_EQ(sent.size(), 1U);
  tunnel::MessageCookieReply reply;
  Bytes payload(sent[0].end() - sizeof(reply), sent[0].end());
  const Bytes expected = PacketBuilder()
                             .ethernet(kRouter, kUnderlayMac)
                             .ipv4("192.0.2.1", "198.51.100.7")
                             .identification(0)
                             .udp(51820, 4000)
                             .without_udp_checksum()
                             .payload(payload)
                             .bytes();
  EXPECT_EQ(difference(expected, BuiltPacket(sent[0]).packet()), "");
  EXPECT_TRUE(is_cookie_for(jar, sent[0], sizeof(pipeline::OuterIpv4)));
  EXPECT_EQ(world.near.imbalance(Direction::kOutbound), "");
  EXPECT_EQ(world.near.imbalance(Direction::kInbound), "");

  world.from_underlay(frame());  // now with the cookie
  EXPECT_EQ(world.near.drops(Direction::kInbound, DropReason::kHandshakeUnproven), 1U);
  EXPECT_EQ(world.near.walker.counters[1].punts[static_cast<std::size_t>(Punt::kHandshake)].get(), 1U);
}

TEST_F(AdmitTest, OverIpv6Too) {
  const IpAddress ours = ip6("2001:db8::1");
  world.near.shared.underlay.publish(
      std::make_unique<pipeline::NextHops>(kUnderlayMac, Ipv4Address{}, std::span<pipeline::NextHops::RouteEntry>{},
                                           std::span<pipeline::NextHops::NeighbourEntry>{}, std::vector{ours}),
      world.near.reclaimer);
  pile_up();
  BuiltPacket built(initiation());
  pipeline::OuterHeader({.source_mac = kRouter,
                         .next_hop_mac = kUnderlayMac,
                         .source = ip6("2001:db8:7::7"),
                         .source_port = 4000,
                         .destination = {ours, 51820}})
      .put_on(built.packet(), 0);
  world.from_underlay(built.bytes());
  const std::vector<Bytes> sent = WalkWorld::take(world.near, world.near.underlay);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(is_cookie_for(jar, sent[0], sizeof(pipeline::OuterIpv6)));
  const auto& header = *reinterpret_cast<const pipeline::OuterIpv6*>(sent[0].data());
  EXPECT_EQ(to_string(header.ethernet.destination), to_string(kRouter));
  EXPECT_EQ(to_string(header.ip.source), "2001:db8::1");
  EXPECT_EQ(to_string(header.ip.destination), "2001:db8:7::7");
  EXPECT_EQ(header.udp.source_port, 51820);
  EXPECT_EQ(header.udp.destination_port, 4000);
}

TEST_F(AdmitTest, NothingUnprovenEntersTheRestOfTheQueue) {
  for (int i = 0; i < 2000; ++i) {
    world.from_underlay(PacketBuilder()
                            .ethernet(kUnderlayMac, kRouter)
                            .ipv4({0x0b000000U + static_cast<std::uint32_t>(i)}, ip4("192.0.2.1"))
                            .udp(4000, 51820)
                            .payload(initiation())
                            .bytes());
  }
  WalkWorld::take(world.near, world.near.underlay);
  pipeline::HandshakeMessage taken;
  int waiting = 0;
  while (world.near.walker.mailbox.take_handshake(taken)) ++waiting;
  EXPECT_EQ(waiting, 512);
  EXPECT_EQ(world.near.drops(Direction::kInbound, DropReason::kHandshakeUnproven), 2000U - 512U);
  EXPECT_EQ(world.near.drops(Direction::kInbound, DropReason::kHandshakeQueueFull), 0U);
}

}  // namespace
}  // namespace isthmus::test
