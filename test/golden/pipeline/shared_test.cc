// One address for many: what nodes send and receive by it, through both gateways.
//
//   A's nodes 10.244.200.5 and .6 are in no map; A shows them as 10.70.0.0, B sees that as 10.75.0.9.

#include <gtest/gtest.h>

#include "test/support/walk_world.h"

namespace isthmus::test {
namespace {

using pipeline::Direction;
using std::chrono::seconds;

constexpr const char* kNode = "10.244.200.5";
constexpr const char* kOtherNode = "10.244.200.6";

class SharedAddress : public testing::Test {
 protected:
  SharedAddress() {
    config::ValidatedConfig near = WalkWorld::near_config();
    near.peers[0].local = {nat::make_prefix_map(prefix4("10.244.0.0/17"), prefix4("10.99.0.0/17"))};
    near.peers[0].others_seen_as = ip4("10.70.0.0");
    world_.near.apply(near);
    config::ValidatedConfig far = WalkWorld::far_setup().config;
    far.peers[0].remote.push_back(nat::make_prefix_map(prefix4("10.70.0.0/32"), prefix4("10.75.0.9/32")));
    world_.far.apply(far);
    const pipeline::NextHops::RouteEntry route{prefix4("10.244.0.0/16"), std::nullopt};
    const std::vector<pipeline::NextHops::NeighbourEntry> nodes{{ip4(kNode), kPodMac}, {ip4(kOtherNode), kPodMac}};
    world_.near.shared.cluster.publish(
        std::make_unique<pipeline::NextHops>(kClusterMac, ip4("10.244.0.1"), std::span(&route, 1), nodes),
        world_.near.reclaimer);
  }

  static PacketBuilder from_node(const char* node = kNode) { return WalkWorld::from_pod("10.71.2.7", node).ttl(64); }
  static PacketBuilder at_far_pod() {
    return PacketBuilder().ethernet(kPodMac, kClusterMac).ipv4("10.75.0.9", "10.244.2.7").ttl(62);
  }
  static PacketBuilder from_far_pod() {
    return PacketBuilder().ethernet(kClusterMac, kPodMac).ipv4("10.244.2.7", "10.75.0.9").ttl(64);
  }
  static PacketBuilder at_node(const char* node = kNode) {
    return PacketBuilder().ethernet(kPodMac, kClusterMac).ipv4("10.71.2.7", node).ttl(62);
  }
  // The one frame that must arrive.
  static void expect_one(const std::vector<Bytes>& arrived, const PacketBuilder& expected) {
    ASSERT_EQ(arrived.size(), 1U);
    EXPECT_EQ(difference(expected.bytes(), BuiltPacket(arrived[0]).packet()), "");
  }
  void expect_out(const PacketBuilder& sent, const PacketBuilder& received) {
    world_.from_cluster(sent.bytes());
    expect_one(world_.carry_to_far(), received);
  }
  void expect_back(const PacketBuilder& sent, const PacketBuilder& received) {
    world_.receive(world_.far, world_.far.cluster, sent.bytes());
    for (const Bytes& frame : WalkWorld::take(world_.far, world_.far.underlay)) world_.from_underlay(frame);
    expect_one(WalkWorld::take(world_.near, world_.near.cluster), received);
  }
  // The port that the far pod sees a node's UDP packet come from.
  std::uint16_t port_at_far(const PacketBuilder& sent) {
    world_.from_cluster(sent.bytes());
    const std::vector<Bytes> arrived = world_.carry_to_far();
    if (arrived.size() != 1) return 0;
    return reinterpret_cast<const UdpHeader*>(arrived[0].data() + sizeof(EthernetHeader) + sizeof(Ipv4Header))
        ->source_port;
  }

  WalkWorld world_;
};

TEST_F(SharedAddress, IsSeenAtTheFarEndAndAnswered) {
  expect_out(from_node().udp(5000, 53).payload("?"), at_far_pod().udp(5000, 53).payload("?"));
  expect_back(from_far_pod().udp(53, 5000).payload("!"), at_node().udp(53, 5000).payload("!"));
  expect_out(from_node().tcp(5000, 80, 0x10), at_far_pod().tcp(5000, 80, 0x10));
  expect_back(from_far_pod().tcp(80, 5000, 0x10), at_node().tcp(80, 5000, 0x10));
  expect_out(from_node().echo_request(5000, 1), at_far_pod().echo_request(5000, 1));
  expect_back(from_far_pod().echo_reply(5000, 1), at_node().echo_reply(5000, 1));
}

TEST_F(SharedAddress, TwoNodesWithOnePortNeverMeet) {
  ASSERT_EQ(port_at_far(from_node().udp(5000, 53)), 5000);
  const std::uint16_t port = port_at_far(from_node(kOtherNode).udp(5000, 53));
  EXPECT_NE(port, 5000);
  EXPECT_EQ(port_at_far(from_node(kOtherNode).udp(5000, 99)), port) << "one port, whomever it talks to (RFC 4787)";
  expect_back(from_far_pod().udp(53, 5000).payload("a"), at_node().udp(53, 5000).payload("a"));
  expect_back(from_far_pod().udp(53, port).payload("b"), at_node(kOtherNode).udp(53, 5000).payload("b"));

  // The errors about their packets are theirs, with the quote as they sent it (RFC 5508 REQ-3).
  const auto quote = [](const char* from, const char* to, std::uint16_t source_port) {
    return PacketBuilder().ipv4(from, to).udp(source_port, 53).payload("hello").bytes();
  };
  expect_back(from_far_pod().icmp(3, 3).payload(quote("10.75.0.9", "10.244.2.7", port)),
              at_node(kOtherNode).icmp(3, 3).payload(quote(kOtherNode, "10.71.2.7", 5000)));
}

TEST_F(SharedAddress, ANodesErrorQuotesWhatThePeerSent) {
  ASSERT_EQ(port_at_far(from_node().udp(5000, 53)), 5000);
  const std::uint16_t port = port_at_far(from_node(kOtherNode).udp(5000, 53));
  const auto quote = [](const char* from, const char* to, std::uint16_t destination_port) {
    return PacketBuilder().ipv4(from, to).udp(53, destination_port).payload("late").bytes();
  };
  expect_out(from_node(kOtherNode).icmp(3, 3).payload(quote("10.71.2.7", kOtherNode, 5000)),
             at_far_pod().icmp(3, 3).payload(quote("10.244.2.7", "10.75.0.9", port)));
}

TEST_F(SharedAddress, ALargeDatagramIsCutBehindItsFlow) {
  world_.from_cluster(from_node().udp(5000, 53).payload_size(1472).bytes());
  EXPECT_EQ(world_.carry_to_far().size(), 2U);
  EXPECT_EQ(world_.near.imbalance(Direction::kOutbound), "");
}

TEST_F(SharedAddress, AFlowEndsWhenItsSenderIsSilent) {
  ASSERT_EQ(port_at_far(from_node().udp(5000, 53)), 5000);
  world_.now += seconds(30);
  ASSERT_EQ(port_at_far(from_node().echo_request(77, 1)), 0x0800);  // an echo's type and code lie there
  EXPECT_EQ(world_.near.walker.flows.size(), 2U);
  world_.now += seconds(60);
  for (std::uint32_t round = 0; round <= nat::FlowTable::kFlows / 4; ++round) world_.near.worker.run_once(world_.now);
  EXPECT_EQ(world_.near.walker.flows.size(), 1U);
}

}  // namespace
}  // namespace isthmus::test
