// The far gateway as a hop: a packet of near's pod whose TTL ends there is answered through the tunnel, and the pod
// gets an answer about the very packet that it sent.

#include <gtest/gtest.h>

#include "test/support/walk_world.h"

namespace isthmus::test {
namespace {

using pipeline::Direction;

// Near's gateway takes one off, far's finds the last.
PacketBuilder sent(std::uint8_t ttl = 2) { return WalkWorld::from_pod().ttl(ttl); }
// What arrives at near's pod: from the address that the packet was for, as the pod knows it.
PacketBuilder time_exceeded() {
  return PacketBuilder()
      .ethernet(kPodMac, kClusterMac)
      .ipv4("10.71.2.7", "10.244.1.5")
      .tos(0xc0)
      .identification(0)
      .dont_fragment()
      .ttl(63)
      .icmp(IcmpHeader::kTimeExceeded, 0);
}
Bytes without_ethernet(const Bytes& frame) { return {frame.begin() + sizeof(EthernetHeader), frame.end()}; }

// Carries what is under way between the gateways until nothing is, and returns what arrives at near's pods.
std::vector<Bytes> there_and_back(WalkWorld& world) {
  EXPECT_EQ(world.carry_to_far().size(), 0U) << "the packet has reached the pod";
  for (const Bytes& frame : WalkWorld::take(world.far, world.far.underlay)) world.from_underlay(frame);
  return WalkWorld::take(world.near, world.near.cluster);
}

void expect_sound(WalkWorld& world) {
  for (const MemoryGateway* gateway : {&world.near, &world.far}) {
    for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) {
      EXPECT_EQ(gateway->imbalance(direction), "");
    }
    EXPECT_EQ(gateway->pool.outstanding(), 0U);
  }
}

struct Probe {
  const char* name;
  PacketBuilder packet;  // with a TTL of 1, as it is quoted
};
const Probe kProbes[] = {
    {"Udp", sent(1).udp(40000, 33434).payload("traceroute")},
    {"UdpWithoutAChecksum", sent(1).udp(40000, 33434).without_udp_checksum().payload("traceroute")},
    {"Tcp", sent(1).tcp(40000, 80, 0x10).payload("GET /")},
    {"Echo", sent(1).echo_request(7, 3).payload("ping")},
    {"AnUnknownProtocol", sent(1).protocol(132).payload("sctp")},
    {"AFirstFragment", sent(1).protocol(17).fragment(0, true).payload_size(64)},
    {"WithOptions", sent(1).ip_option({7, 7, 4, 0, 0, 0, 0}).udp(40000, 33434).payload("record route")},
    {"WithDscpAndEcn", sent(1).tos(0xba).udp(40000, 33434)},
};

class ProbeTest : public testing::TestWithParam<Probe> {};

TEST_P(ProbeTest, IsAnsweredAsThePodSentIt) {
  WalkWorld world;
  PacketBuilder probe = GetParam().packet;
  world.from_cluster(probe.ttl(2).bytes());
  const std::vector<Bytes> answers = there_and_back(world);
  ASSERT_EQ(answers.size(), 1U);
  const Bytes expected = time_exceeded().payload(without_ethernet(GetParam().packet.bytes())).bytes();
  EXPECT_EQ(difference(expected, BuiltPacket(answers[0]).packet()), "");
  EXPECT_EQ(world.far.drops(Direction::kInbound, DropReason::kTtlExpired), 1U);
  expect_sound(world);
}

INSTANTIATE_TEST_SUITE_P(Walk, ProbeTest, testing::ValuesIn(kProbes),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Hops, ALargePacketIsQuotedAsFarAs576BytesGo) {
  WalkWorld world;
  world.from_cluster(sent().udp(1, 2).payload_size(1392).bytes());
  const std::vector<Bytes> answers = there_and_back(world);
  ASSERT_EQ(answers.size(), 1U);
  Bytes quote = without_ethernet(sent(1).udp(1, 2).payload_size(1392).bytes());
  quote.resize(576 - kIcmpErrorHeaders);
  EXPECT_EQ(difference(time_exceeded().payload(quote).bytes(), BuiltPacket(answers[0]).packet()), "");
  expect_sound(world);
}

// Near knows no more of far than the pod's own /24: the answer passes all the same, in that map's form.
TEST(Hops, APeerThatMapsLittleOfUsUnderstandsTheAnswer) {
  WalkWorld world;
  config::ValidatedConfig config = WalkWorld::near_config();
  config.peers[0].remote = {nat::make_prefix_map(prefix4("10.244.3.0/24"), prefix4("10.73.3.0/24")),
                            nat::make_prefix_map(prefix4("10.244.2.0/24"), prefix4("10.71.2.0/24"))};
  world.near.apply(config);
  world.from_cluster(sent().udp(1, 2).bytes());
  const std::vector<Bytes> answers = there_and_back(world);
  ASSERT_EQ(answers.size(), 1U);
  const Bytes expected = time_exceeded().payload(without_ethernet(sent(1).udp(1, 2).bytes())).bytes();
  EXPECT_EQ(difference(expected, BuiltPacket(answers[0]).packet()), "");
}

TEST(Hops, TheAnswerCountsAsAPacketToThePeer) {
  WalkWorld world;
  world.from_cluster(sent().udp(1, 2).payload_size(12).bytes());
  there_and_back(world);
  const auto& counters = world.far.shared.peers[0]->counters[0];
  EXPECT_EQ(counters[0].packets.get(), 1U);
  EXPECT_EQ(counters[0].bytes.get(), kIcmpErrorHeaders + 40U);
  EXPECT_EQ(counters[1].packets.get(), 0U);
  EXPECT_EQ(world.far.walker.counters[0].originated.get(), 1U);
  EXPECT_EQ(world.far.walker.counters[0].transmitted.get(), 1U);
}

struct Silence {
  const char* name;
  PacketBuilder packet;
  void (*prepare)(WalkWorld&);
};
const Silence kSilences[] = {
    {"AboutAnIcmpError", sent().icmp(IcmpHeader::kTimeExceeded, 0).payload_size(28), [](WalkWorld&) {}},
    {"AboutALaterFragment", sent().protocol(17).fragment(1480, false).payload("tail"), [](WalkWorld&) {}},
    {"WithoutASession", sent().udp(1, 2), [](WalkWorld& w) { w.far.shared.peers[0]->lane(0).link.sending = nullptr; }},
    {"WithAnExpiredSession", sent().udp(1, 2),
     [](WalkWorld& w) {
       static tunnel::Session old({PeerIndex{0}}, 1, 2, false, {}, kStart - tunnel::kRejectAfterTime);
       w.far.shared.peers[0]->lane(0).link.sending = &old;
     }},
};

class SilenceTest : public testing::TestWithParam<Silence> {};

TEST_P(SilenceTest, IsCountedAndNotAnswered) {
  WalkWorld world;
  GetParam().prepare(world);
  world.from_cluster(GetParam().packet.bytes());
  EXPECT_EQ(there_and_back(world).size(), 0U);
  EXPECT_EQ(world.far.walker.counters[0].originated.get(), 0U);
  EXPECT_EQ(world.far.drops(Direction::kInbound, DropReason::kTtlExpired), 1U);
  expect_sound(world);
}

INSTANTIATE_TEST_SUITE_P(Walk, SilenceTest, testing::ValuesIn(kSilences),
                         [](const auto& row) { return std::string(row.param.name); });

// A thousand a second, and those of the cluster's own pods beside them.
TEST(Hops, PeersThatAskTooMuchLeaveOurPodsTheirAnswers) {
  WalkWorld world;
  std::size_t answered = 0;
  for (int i = 0; i < 1100; ++i) {
    world.from_cluster(sent().udp(1, 2).bytes());
    answered += there_and_back(world).size();
  }
  EXPECT_EQ(answered, 1000U);
  world.receive(
      world.far, world.far.cluster,
      PacketBuilder().ethernet(kClusterMac, kPodMac).ipv4("10.244.2.7", "10.72.1.5").ttl(1).udp(1, 2).bytes());
  EXPECT_EQ(WalkWorld::take(world.far, world.far.cluster).size(), 1U);
  expect_sound(world);
}

}  // namespace
}  // namespace isthmus::test
