// Documents, neighbours, handshakes, packets that wait, and what the status says of them.

#include "dataplane/service/gateway.h"

#include <algorithm>

#include "dataplane/service/secrets.h"
#include "test/unit/service/two_gateways.h"

namespace isthmus::service {
namespace {

TEST_F(TwoGateways, FirstPacketWaitsForNeighboursAndHandshakeAndArrives) {
  ASSERT_TRUE(apply(a).errors.empty());
  ASSERT_TRUE(apply(b).errors.empty());
  pod_sends(a, kPing);
  settle();
  ASSERT_EQ(delivered.size(), 1U);
  const Bytes expected =
      PacketBuilder(kPing).ethernet(kPodMac, b.forwarder.cluster_mac()).ipv4("10.72.1.5", "10.244.2.7").ttl(62).bytes();
  EXPECT_EQ(difference(expected, BuiltPacket(delivered[0]).packet()), "");
  EXPECT_TRUE(status(a).peers[0].connected);
  EXPECT_TRUE(status(b).peers[0].connected);
  expect_balance(status(a));
  expect_balance(status(b));
}

TEST_F(TwoGateways, ApplyingTheSameAgainTouchesNothing) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const config::Status before = status(a);
  const config::Response again = apply(a);
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.generation, before.generation);
  settle();
  EXPECT_EQ(status(a).peers[0].transmit_bytes, before.peers[0].transmit_bytes);
}

TEST_F(TwoGateways, ChangedMapKeepsSessionAndCounters) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const config::Status before = status(a);
  a.document.peers[0].remote[0].seen_as = "10.81.0.0/16";
  ASSERT_TRUE(apply(a).changed);
  pod_sends(a, PacketBuilder(kPing).ipv4("10.244.1.5", "10.81.2.7"));
  settle();
  EXPECT_EQ(delivered.size(), 2U);
  const config::Status after = status(a);
  EXPECT_EQ(after.peers[0].last_handshake_seconds, before.peers[0].last_handshake_seconds);
  EXPECT_EQ(after.peers[0].outbound_packets, before.peers[0].outbound_packets + 1);
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(drops(status(a), "no_route"), 1U) << "the old view is gone";
}

TEST_F(TwoGateways, RefusedDocumentChangesNothing) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  const config::DesiredState good = a.document;
  a.document.peers[0].remote[0].seen_as = "10.244.0.0/16";  // our own pods
  config::Response refused = apply(a);
  EXPECT_FALSE(refused.errors.empty());
  EXPECT_EQ(refused.generation, 1U);
  a.document = good;
  a.document.private_key_file += ".missing";
  refused = apply(a);
  ASSERT_EQ(refused.errors.size(), 1U);
  EXPECT_EQ(refused.errors[0].path, "privateKeyFile");
  a.document = good;
  a.document.cluster_port.device = "net_other";
  refused = apply(a);
  ASSERT_EQ(refused.errors.size(), 1U);
  EXPECT_EQ(refused.errors[0].path, "ports.cluster");
  EXPECT_EQ(*a.gateway.handle({.method = config::Method::kState}).state, good);
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(delivered.size(), 1U);
}

TEST_F(TwoGateways, PortThatCannotBeOpenedIsAnErrorAndMayBeTriedAgain) {
  a.forwarder.refuse = true;
  EXPECT_EQ(apply(a).error, "port c0: no such device");
  EXPECT_EQ(status(a).generation, 0U);
  a.forwarder.refuse = false;
  EXPECT_TRUE(apply(a).changed);
}

TEST_F(TwoGateways, OwnKeyAsPeerIsRefused) {
  tunnel::SecretKey own;
  own.bytes.fill(1);
  a.document.peers[0].public_key = tunnel::to_base64(tunnel::public_key_of(own));
  const config::Response refused = apply(a);
  ASSERT_EQ(refused.errors.size(), 1U);
  EXPECT_EQ(refused.errors[0].path, "peers[0].publicKey");
}

TEST_F(TwoGateways, PacketsThatWaitInVainDieUnderTheirReason) {
  ASSERT_TRUE(apply(a).changed);
  connected = false;
  settle();
  for (std::size_t i = 0; i < HeldPackets::kPerKey + 3; ++i) {
    pod_sends(a, kPing);
    settle();
  }
  EXPECT_EQ(drops(status(a), "held_queue_full"), 3U);
  EXPECT_EQ(status(a).peers[0].held_packets, HeldPackets::kPerKey);
  pass(HeldPackets::kPatience);
  EXPECT_EQ(drops(status(a), "no_session"), HeldPackets::kPerKey);
  EXPECT_EQ(status(a).peers[0].held_packets, 0U);
  expect_balance(status(a));
}

TEST_F(TwoGateways, PodThatDoesNotAnswerIsNamed) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pods_answer = false;
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(status(b).peers[0].held_packets, 1U);
  pass(HeldPackets::kPatience);
  EXPECT_EQ(drops(status(b), "neighbour_unresolved"), 1U);
}

TEST_F(TwoGateways, RemovedPeerIsForgottenAndItsPlaceUsedAgain) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const std::vector<config::DesiredPeer> peers = a.document.peers;
  a.document.peers.clear();
  ASSERT_TRUE(apply(a).changed);
  pod_sends(a, kPing);
  pass(1s);
  EXPECT_TRUE(status(a).peers.empty());
  EXPECT_EQ(drops(status(a), "no_route"), 1U);
  a.document.peers = peers;
  ASSERT_TRUE(apply(a).changed);
  pass(1s);
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(delivered.size(), 2U) << "after a new handshake it forwards again";
}

TEST_F(TwoGateways, RekeysUnderTrafficWithoutLoss) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const std::int64_t first = status(a).peers[0].last_handshake_seconds;
  for (int second = 0; second < 400; ++second) {
    pod_sends(a, kPing);
    pod_sends(b, PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").udp(1, 2));
    pass(1s);
  }
  EXPECT_EQ(delivered.size(), 1U + 2 * 400U);
  EXPECT_GT(status(a).peers[0].last_handshake_seconds, first + 200);
  expect_balance(status(a));
  expect_balance(status(b));
}

TEST_F(TwoGateways, LossIsCountedAcrossSessionsLanesAndReloads) {
  a.document.peers[0].lanes = b.document.peers[0].lanes = 2;
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  const auto talk = [&](std::uint16_t flows = 10) {  // on both lanes
    for (std::uint16_t port = 1; port <= flows; ++port) {
      pod_sends(a, PacketBuilder().ipv4("10.244.1.5", "10.71.2.7").udp(port, 9));
      pod_sends(b, PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").udp(port, 9));
    }
    pass(1s);
  };
  talk();
  lossy = true;
  std::uint64_t last = 0;
  for (int second = 0; second < 400; ++second) {
    talk();
    const std::uint64_t lost = status(b).peers[0].lost_packets;
    ASSERT_GE(lost, last);
    ASSERT_LE(lost, b.lost);
    last = lost;
  }
  lossy = false;
  for (int second = 0; second < 3; ++second) talk();
  EXPECT_GT(a.lost, 500U);
  EXPECT_EQ(status(a).peers[0].lost_packets, a.lost);
  EXPECT_EQ(status(b).peers[0].lost_packets, b.lost);
  EXPECT_EQ(status(b).peers[0].duplicate_packets, 0U);
  // The first keepalive of a lane may leave behind packets that have waited for the other lane.
  EXPECT_EQ(status(b).peers[0].reordered_packets, b.reordered);

  // A lane that is given up takes nothing along, not even what it had not told yet.
  lossy = true;
  talk(60);
  lossy = false;
  talk();
  b.document.peers[0].lanes = 1;
  ASSERT_TRUE(apply(b).changed);
  pass(1s);
  pass(1s);
  EXPECT_EQ(status(b).peers[0].lost_packets, b.lost);
}

TEST_F(TwoGateways, TraceFollowsAPacketThroughEveryStage) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const auto trace = [](Side& side, std::uint32_t packets, const std::string& address = {}) {
    return side.gateway.handle({.method = config::Method::kTrace, .trace = config::TraceRequest{packets, address}});
  };
  EXPECT_TRUE(trace(a, 1, "10.71.2.7").trace.empty());
  EXPECT_TRUE(trace(b, 1).trace.empty());
  pod_sends(a, PacketBuilder(kPing).ipv4("10.244.1.5", "10.71.9.9"));  // not asked for
  pod_sends(a, kPing);
  pod_sends(a, kPing);  // one too many
  settle();
  const std::vector<config::TraceStep> steps = trace(a, 0).trace;
  ASSERT_EQ(steps.size(), pipeline::outbound().size());
  EXPECT_EQ(steps[0].destination, "10.71.2.7");
  EXPECT_EQ(steps[3].stage, "translate");
  EXPECT_EQ(steps[3].source + " > " + steps[3].destination, "10.244.1.5 > 10.244.2.7");
  EXPECT_TRUE(steps[4].source.empty()) << "sealed";
  EXPECT_EQ(trace(b, 0).trace.size(), pipeline::inbound().size() - 2) << "followed from open on, where it is readable";
  EXPECT_EQ(trace(a, 1, "nonsense").error, "nonsense is not an IPv4 address");

  trace(a, 1);
  pod_sends(a, PacketBuilder(kPing).ipv4("10.244.1.5", "10.99.0.1"));
  settle();
  const std::vector<config::TraceStep> death = trace(a, 0).trace;
  ASSERT_FALSE(death.empty());
  EXPECT_EQ(death.back().stage + ": " + death.back().outcome, "route_to_peer: no_route");
}

TEST_F(TwoGateways, HandshakesAreTakenAFewAtATimeAfterAllElse) {
  ASSERT_TRUE(apply(a).changed);
  settle();
  pipeline::Mailbox& mailbox = a.forwarder.walkers()[0]->mailbox;
  for (int i = 0; i < 20; ++i) mailbox.handshake_to_service({.port = 51820, .length = 4, .bytes = {}});
  mailbox.to_service({.kind = pipeline::ToService::Kind::kConfirmed});
  EXPECT_TRUE(a.gateway.take_mail()) << "there is more";
  pipeline::ToService left;
  EXPECT_FALSE(mailbox.take_for_service(left));
  EXPECT_FALSE(a.gateway.take_mail());
  const std::vector<config::NamedCount> counts = status(a).handshakes;
  const auto refused = std::ranges::find(counts, "refused_malformed", &config::NamedCount::name);
  ASSERT_NE(refused, counts.end());
  EXPECT_EQ(refused->count, 20U);
}

TEST_F(TwoGateways, StatusTellsMemoryAndWhatThePortsMissed) {
  ASSERT_TRUE(apply(a).changed);
  const config::Status before = status(a);
  EXPECT_EQ(before.ports[0].missed, 3U);
  EXPECT_EQ(before.ports[1].missed, 5U);
  EXPECT_GT(before.peers[0].memory_bytes, sizeof(PeerRecord) + sizeof(pipeline::PeerState));
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const std::uint64_t sessions = status(a).peers[0].memory_bytes - before.peers[0].memory_bytes;
  EXPECT_GT(sessions, 0U);
  EXPECT_EQ(sessions % sizeof(tunnel::Session), 0U);
  a.document.peers[0].lanes = b.document.peers[0].lanes = 2;
  ASSERT_TRUE(apply(a).changed);
  EXPECT_GT(status(a).peers[0].memory_bytes, before.peers[0].memory_bytes + sizeof(pipeline::LaneState) * 63);
}

TEST_F(TwoGateways, SecretsMustBePrivate) {
  const std::string file = (directory / "a.key").string();
  ::chmod(file.c_str(), 0640);
  const auto refused = read_secret(file, "privateKeyFile");
  ASSERT_TRUE(std::holds_alternative<config::ConfigError>(refused));
  const std::string words = config::to_string(std::get<config::ConfigError>(refused));
  EXPECT_NE(words.find("chmod 600 " + file), std::string::npos) << words;
  EXPECT_EQ(words.find("AQEB"), std::string::npos) << "the key is in the error";
  ::chmod(file.c_str(), 0400);
  EXPECT_TRUE(std::holds_alternative<tunnel::SecretKey>(read_secret(file, "privateKeyFile")));
  std::ofstream(directory / "bad.key") << "not a key";
  ::chmod((directory / "bad.key").c_str(), 0600);
  EXPECT_TRUE(std::holds_alternative<config::ConfigError>(read_secret((directory / "bad.key").string(), "x")));
}

}  // namespace
}  // namespace isthmus::service
