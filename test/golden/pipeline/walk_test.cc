// Packet in, packet out and verdict, as tables. Every DropReason has a row here, or in the tests of the part that
// decides it (kDecidedElsewhere): a reason without a test is a failure.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "test/support/walk_world.h"

namespace isthmus::test {
namespace {

using pipeline::Direction;
using std::chrono::seconds;

struct Death {
  const char* description;
  Direction direction;
  DropReason reason;
  std::function<void(WalkWorld&)> happens;
};

PacketBuilder udp(const char* destination = "10.71.2.7", const char* source = "10.244.1.5") {
  return WalkWorld::from_pod(destination, source).udp(1000, 2000).payload("hello");
}
PacketBuilder inner(const char* source = "10.244.2.7", const char* destination = "10.99.1.5") {
  return PacketBuilder().ipv4(source, destination).udp(2000, 1000).payload("hello");
}

// The bytes of a frame with one of them changed.
Bytes with_byte(Bytes frame, std::size_t at, std::uint8_t value) {
  frame[at] = value;
  return frame;
}
Bytes cut(Bytes frame, std::size_t size) {
  frame.resize(size);
  return frame;
}

// Senders outside the maps are shown as 10.70.0.0.
void share_an_address(WalkWorld& w) {
  config::ValidatedConfig config = WalkWorld::near_config();
  config.peers[0].others_seen_as = ip4("10.70.0.0");
  w.near.apply(config);
}
// Fills the flow table, each sender with as many flows as it may have.
void open_flows(WalkWorld& w, std::uint32_t count) {
  DropReason refusal = DropReason::kNone;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Ipv4Address sender{ip4("10.245.1.5").value + i / nat::FlowTable::kFlowsPerSource};
    const auto port = static_cast<std::uint16_t>(10000 + i % nat::FlowTable::kFlowsPerSource);
    w.near.walker.flows.open({PeerIndex{0}, sender, IpProtocol::kUdp, port}, ip4("10.70.0.0"), w.now, refusal);
  }
}

constexpr std::size_t kIp = sizeof(EthernetHeader);

const Death kDeaths[] = {
    {"a frame shorter than an Ethernet header", Direction::kOutbound, DropReason::kFrameTruncated,
     [](WalkWorld& w) { w.from_cluster(cut(udp().bytes(), 13)); }},
    {"an IP packet shorter than its header", Direction::kOutbound, DropReason::kIpTruncated,
     [](WalkWorld& w) { w.from_cluster(cut(udp().bytes(), kIp + 19)); }},
    {"an IP packet that says it is longer than the frame", Direction::kOutbound, DropReason::kIpTruncated,
     [](WalkWorld& w) { w.from_cluster(cut(udp().bytes(), kIp + 30)); }},
    {"version 5", Direction::kOutbound, DropReason::kIpHeaderInvalid,
     [](WalkWorld& w) { w.from_cluster(with_byte(udp().bytes(), kIp, 0x55)); }},
    {"a wrong IP checksum", Direction::kOutbound, DropReason::kIpChecksumWrong,
     [](WalkWorld& w) { w.from_cluster(with_byte(udp().bytes(), kIp + 10, 0)); }},
    {"IPv6 on a port without a kernel", Direction::kOutbound, DropReason::kIpv6NotSupported,
     [](WalkWorld& w) { w.from_cluster(with_byte(with_byte(udp().bytes(), 12, 0x86), 13, 0xdd)); }},
    {"UDP that ends inside its header", Direction::kOutbound, DropReason::kL4Truncated,
     [](WalkWorld& w) {
       w.from_cluster(
           WalkWorld::from_pod().protocol(static_cast<std::uint8_t>(IpProtocol::kUdp)).payload("1234567").bytes());
     }},
    {"a fragment beyond 65535 bytes", Direction::kOutbound, DropReason::kFragmentInvalid,
     [](WalkWorld& w) {
       w.from_cluster(WalkWorld::from_pod().protocol(17).fragment(65528, false).payload_size(64).bytes());
     }},

    {"a destination that is nobody's view", Direction::kOutbound, DropReason::kNoRoute,
     [](WalkWorld& w) { w.from_cluster(udp("10.73.2.7").bytes()); }},
    {"a source that is no pod of ours", Direction::kOutbound, DropReason::kSourceNotLocal,
     [](WalkWorld& w) { w.from_cluster(udp("10.71.2.7", "10.245.1.5").bytes()); }},
    {"another peer's pod behind a shared address", Direction::kOutbound, DropReason::kSourceNotLocal,
     [](WalkWorld& w) { share_an_address(w), w.from_cluster(udp("10.71.2.7", "10.71.9.9").bytes()); }},
    {"a protocol without ports from a shared address", Direction::kOutbound, DropReason::kNoPortToShare,
     [](WalkWorld& w) {
       share_an_address(w), w.from_cluster(WalkWorld::from_pod("10.71.2.7", "10.245.1.5").protocol(132).bytes());
     }},
    {"a fragment from a shared address", Direction::kOutbound, DropReason::kNoPortToShare,
     [](WalkWorld& w) {
       share_an_address(w), w.from_cluster(udp("10.71.2.7", "10.245.1.5").fragment(0, true).bytes());
     }},
    {"more flows than the table has", Direction::kOutbound, DropReason::kFlowTableFull,
     [](WalkWorld& w) {
       share_an_address(w), open_flows(w, nat::FlowTable::kFlows);
       w.from_cluster(udp("10.71.2.7", "10.245.9.9").bytes());
     }},
    {"more flows than one sender may have", Direction::kOutbound, DropReason::kSourceFlowsFull,
     [](WalkWorld& w) {
       share_an_address(w), open_flows(w, nat::FlowTable::kFlowsPerSource);
       w.from_cluster(udp("10.71.2.7", "10.245.1.5").bytes());
     }},
    {"the last hop", Direction::kOutbound, DropReason::kTtlExpired,
     [](WalkWorld& w) { w.from_cluster(udp().ttl(1).bytes()); }},
    {"too long, must not be cut", Direction::kOutbound, DropReason::kTooBig,
     [](WalkWorld& w) { w.from_cluster(udp().dont_fragment().payload_size(1420).bytes()); }},
    {"a buffer without room for the tunnel's headers", Direction::kOutbound, DropReason::kNoBuffer,
     [](WalkWorld& w) {
       Packet tight = udp().build_in(w.near.pool);
       tight.headroom = 20;
       w.near.cluster.incoming.push_back(tight);
       w.near.worker.run_once(w.now);
     }},
    {"a session without a nonce left", Direction::kOutbound, DropReason::kSessionExhausted,
     [](WalkWorld& w) {
       w.near.sessions[0]->reserve_nonces(tunnel::kRejectAfterMessages);
       w.from_cluster(udp().bytes());
     }},
    {"a peer whose next hop is unknown", Direction::kOutbound, DropReason::kUnderlayUnresolved,
     [](WalkWorld& w) {
       delete w.near.shared.peers[0]->lane(0).outer.exchange(nullptr);
       w.from_cluster(udp().bytes());
     }},
    {"a full transmit queue", Direction::kOutbound, DropReason::kTransmitFull,
     [](WalkWorld& w) {
       w.near.underlay.room = 0;
       w.from_cluster(udp().bytes());
     }},
    {"a service thread that does not take its mail", Direction::kOutbound, DropReason::kServiceQueueFull,
     [](WalkWorld& w) {
       w.near.shared.peers[0]->lane(0).link.sending = nullptr;
       while (w.near.walker.mailbox.to_service({})) {
       }
       w.from_cluster(udp().bytes());
     }},

    {"a first fragment for our UDP port", Direction::kInbound, DropReason::kOuterFragmented,
     [](WalkWorld& w) { w.from_underlay(WalkWorld::on_underlay().fragment(0, true).payload_size(64).bytes()); }},
    {"an unknown message type", Direction::kInbound, DropReason::kTunnelMessageMalformed,
     [](WalkWorld& w) {
       w.from_underlay(WalkWorld::on_underlay().payload(Bytes{5, 0, 0, 0, 1, 2, 3, 4}).bytes());
     }},
    {"an initiation that is too short", Direction::kInbound, DropReason::kTunnelMessageMalformed,
     [](WalkWorld& w) { w.from_underlay(WalkWorld::on_underlay().payload(cut({1}, 147)).bytes()); }},
    {"a data message shorter than its overhead", Direction::kInbound, DropReason::kTunnelMessageMalformed,
     [](WalkWorld& w) { w.from_underlay(WalkWorld::on_underlay().payload(cut({4}, 31)).bytes()); }},
    {"an initiation of somebody who does not know our public key", Direction::kInbound, DropReason::kHandshakeMac1Wrong,
     [](WalkWorld& w) { w.from_underlay(WalkWorld::initiation({})); }},
    {"a response to nothing", Direction::kInbound, DropReason::kHandshakeUnawaited,
     [](WalkWorld& w) { w.from_underlay(WalkWorld::on_underlay().payload(cut({2}, 92)).bytes()); }},
    {"a cookie for nobody", Direction::kInbound, DropReason::kHandshakeUnawaited,
     [](WalkWorld& w) { w.from_underlay(WalkWorld::on_underlay().payload(cut({3}, 64)).bytes()); }},
    {"an initiation without a cookie while handshakes pile up", Direction::kInbound, DropReason::kHandshakeUnproven,
     [](WalkWorld& w) {
       while (!w.near.walker.mailbox.handshakes_pile_up()) w.near.walker.mailbox.handshake_to_service({});
       w.from_underlay(WalkWorld::initiation(MemoryGateway::kPublicKey));
     }},
    {"more cookies of one peer than it can have asked for", Direction::kInbound, DropReason::kHandshakeFlood,
     [](WalkWorld& w) {
       const auto frame = w.cookie_to_near();
       for (int i = 0; i <= tunnel::SourceLimiter::kBurst; ++i) w.from_underlay(frame);
     }},
    {"a service thread that makes no handshakes", Direction::kInbound, DropReason::kHandshakeQueueFull,
     [](WalkWorld& w) {
       while (w.near.walker.mailbox.handshake_to_service({})) {
       }
       w.from_underlay(w.cookie_to_near());
     }},
    {"a receiver index that nobody has", Direction::kInbound, DropReason::kUnknownSession,
     [](WalkWorld& w) {
       w.from_underlay(WalkWorld::on_underlay().payload(cut({4, 0, 0, 0, 9, 9}, 48)).bytes());
     }},
    {"a session at another lane's port", Direction::kInbound, DropReason::kUnknownSession,
     [](WalkWorld& w) {
       pipeline::ForwardingTables tables = *w.near.shared.tables.load();
       tables.listen_ports = {51821, 51820};
       w.near.shared.tables.publish(std::make_unique<pipeline::ForwardingTables>(tables), w.near.reclaimer);
       w.from_underlay(w.sealed_by_far(inner().bytes(), 0));
     }},
    {"a session older than 180 s", Direction::kInbound, DropReason::kSessionExpired,
     [](WalkWorld& w) {
       w.now = kStart + seconds(180);
       w.from_underlay(w.sealed_by_far(inner().bytes(), 0));
     }},
    {"a changed byte", Direction::kInbound, DropReason::kAuthenticationFailed,
     [](WalkWorld& w) {
       Bytes frame = w.sealed_by_far(inner().bytes(), 0);
       frame.back() ^= 1;
       w.from_underlay(frame);
     }},
    {"a message heard before", Direction::kInbound, DropReason::kReplayed,
     [](WalkWorld& w) {
       w.from_underlay(w.sealed_by_far(inner().bytes(), 0));
       w.from_underlay(w.sealed_by_far(inner().bytes(), 0));
     }},
    {"an inner packet that is no IPv4", Direction::kInbound, DropReason::kIpHeaderInvalid,
     [](WalkWorld& w) { w.from_underlay(w.sealed_by_far(with_byte(inner().bytes(), 0, 0x65), 0)); }},
    {"a source that is not this peer's", Direction::kInbound, DropReason::kSourceNotAllowed,
     [](WalkWorld& w) { w.from_underlay(w.sealed_by_far(inner("10.71.2.7").bytes(), 0)); }},
    {"a destination that we did not offer: a service", Direction::kInbound, DropReason::kDestinationNotOffered,
     [](WalkWorld& w) { w.from_underlay(w.sealed_by_far(inner("10.244.2.7", "10.96.0.10").bytes(), 0)); }},
    {"a destination that we did not offer: our pods' real address", Direction::kInbound,
     DropReason::kDestinationNotOffered,
     [](WalkWorld& w) { w.from_underlay(w.sealed_by_far(inner("10.244.2.7", "10.244.1.5").bytes(), 0)); }},
    {"a shared address' port that nobody speaks from", Direction::kInbound, DropReason::kFlowUnknown,
     [](WalkWorld& w) {
       share_an_address(w), w.from_underlay(w.sealed_by_far(inner("10.244.2.7", "10.70.0.0").bytes(), 0));
     }},
    {"congestion on the way of a packet that cannot carry its mark", Direction::kInbound,
     DropReason::kEcnCongestedNotCapable,
     [](WalkWorld& w) {
       Bytes frame = w.sealed_by_far(inner().bytes(), 0);
       auto& outer = *reinterpret_cast<Ipv4Header*>(frame.data() + kIp);
       outer.tos = 3;
       outer.checksum = ipv4_header_checksum(outer);
       w.from_underlay(frame);
     }},
    {"the last hop, inbound", Direction::kInbound, DropReason::kTtlExpired,
     [](WalkWorld& w) { w.from_underlay(w.sealed_by_far(inner().ttl(1).bytes(), 0)); }},
    {"a pod that no route leads to", Direction::kInbound, DropReason::kNoRouteToPod,
     [](WalkWorld& w) {
       w.near.shared.cluster.publish(std::make_unique<pipeline::NextHops>(
                                         kClusterMac, ip4("10.244.0.1"), std::span<pipeline::NextHops::RouteEntry>{},
                                         std::span<pipeline::NextHops::NeighbourEntry>{}),
                                     w.near.reclaimer);
       w.from_underlay(w.sealed_by_far(inner().bytes(), 0));
     }},
};

// By the service thread (test/unit/service) and by dataplane/io's ports (test/unit/io).
const std::set<DropReason> kDecidedElsewhere = {DropReason::kHeldQueueFull, DropReason::kNeighbourUnresolved,
                                                DropReason::kNoSession, DropReason::kFrameScattered};

class DeathTest : public testing::TestWithParam<Death> {};

TEST_P(DeathTest, HasThisReasonAndNoOther) {
  const Death& death = GetParam();
  WalkWorld world;
  death.happens(world);
  for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) {
    for (std::size_t reason = 1; reason < kDropReasons; ++reason) {
      const auto drop_reason = static_cast<DropReason>(reason);
      const bool expected = direction == death.direction && drop_reason == death.reason;
      EXPECT_EQ(world.near.drops(direction, drop_reason), expected ? 1 : 0) << describe(drop_reason).name;
    }
    EXPECT_EQ(world.near.imbalance(direction), "");
  }
  WalkWorld::take(world.near, world.near.cluster);
  WalkWorld::take(world.near, world.near.underlay);
  for (pipeline::ToService item; world.near.walker.mailbox.take_for_service(item);) {
    if (item.packet.buffer != nullptr) world.near.pool.release(item.packet);
  }
  EXPECT_EQ(world.near.pool.outstanding(), 0U) << "a packet's memory was lost";
}

INSTANTIATE_TEST_SUITE_P(Walk, DeathTest, testing::ValuesIn(kDeaths), [](const auto& row) {
  std::string name = std::to_string(row.index) + "_" + row.param.description;
  std::ranges::replace_if(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

TEST(DropReasons, EachHasARow) {
  std::set<DropReason> seen = kDecidedElsewhere;
  for (const Death& death : kDeaths) seen.insert(death.reason);
  for (std::size_t reason = 1; reason < kDropReasons; ++reason) {
    EXPECT_TRUE(seen.contains(static_cast<DropReason>(reason))) << describe(static_cast<DropReason>(reason)).name;
  }
}

// What crosses both gateways: `sent` from a pod of A is `received` by a pod of B. Each gateway takes one off the TTL.
struct Passage {
  const char* description;
  PacketBuilder sent;
  PacketBuilder received;
};

PacketBuilder at_far_pod(const char* source = "10.72.1.5", const char* destination = "10.244.2.7") {
  return PacketBuilder().ethernet(kPodMac, kClusterMac).ipv4(source, destination).ttl(62);
}
PacketBuilder from_near_pod() { return WalkWorld::from_pod().ttl(64); }

const Passage kPassages[] = {
    {"UDP", from_near_pod().udp(1000, 2000).payload("hello"), at_far_pod().udp(1000, 2000).payload("hello")},
    {"UDP without a checksum", from_near_pod().udp(1, 2).without_udp_checksum().payload("x"),
     at_far_pod().udp(1, 2).without_udp_checksum().payload("x")},
    {"TCP", from_near_pod().tcp(1000, 80).payload("GET /"), at_far_pod().tcp(1000, 80).payload("GET /")},
    {"a SYN whose MSS is lowered to the tunnel's", from_near_pod().tcp(1, 80, 0x02).tcp_option({2, 4, 0x05, 0xb4}),
     at_far_pod().tcp(1, 80, 0x02).tcp_option({2, 4, 0x05, 0x64})},
    {"ICMP echo", from_near_pod().echo_request(7, 1).payload("ping"), at_far_pod().echo_request(7, 1).payload("ping")},
    {"a later fragment", from_near_pod().protocol(17).fragment(1480, false).payload("tail"),
     at_far_pod().protocol(17).fragment(1480, false).payload("tail")},
    {"an unknown protocol", from_near_pod().protocol(132).payload("sctp"), at_far_pod().protocol(132).payload("sctp")},
    {"DSCP", from_near_pod().tos(0xb8).udp(1, 2), at_far_pod().tos(0xb8).udp(1, 2)},
    {"a packet of exactly the MTU", from_near_pod().dont_fragment().udp(1, 2).payload_size(1392),
     at_far_pod().dont_fragment().udp(1, 2).payload_size(1392)},
};

class PassageTest : public testing::TestWithParam<Passage> {};

TEST_P(PassageTest, ArrivesTranslatedOnceOnEachSide) {
  WalkWorld world;
  world.from_cluster(GetParam().sent.bytes());
  const std::vector<Bytes> arrived = world.carry_to_far();
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_EQ(difference(GetParam().received.bytes(), BuiltPacket(arrived[0]).packet()), "");
  EXPECT_EQ(world.near.pool.outstanding() + world.far.pool.outstanding(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Walk, PassageTest, testing::ValuesIn(kPassages),
                         [](const auto& row) { return "Row" + std::to_string(row.index); });

TEST(Walk, ReplyComesBackByTheSameCode) {
  WalkWorld world;
  const Bytes reply =
      PacketBuilder().ethernet(kClusterMac, kPodMac).ipv4("10.244.2.7", "10.72.1.5").udp(2, 1).payload("yes").bytes();
  world.receive(world.far, world.far.cluster, reply);
  for (const Bytes& frame : WalkWorld::take(world.far, world.far.underlay)) world.from_underlay(frame);
  const std::vector<Bytes> arrived = WalkWorld::take(world.near, world.near.cluster);
  ASSERT_EQ(arrived.size(), 1U);
  const Bytes expected = PacketBuilder()
                             .ethernet(kPodMac, kClusterMac)
                             .ipv4("10.71.2.7", "10.244.1.5")
                             .ttl(62)
                             .udp(2, 1)
                             .payload("yes")
                             .bytes();
  EXPECT_EQ(difference(expected, BuiltPacket(arrived[0]).packet()), "");
}

TEST(Walk, WireCarriesNoPlaintextAndTheAddressesBetween) {
  WalkWorld world;
  world.from_cluster(from_near_pod().udp(1, 2).payload("a secret of sixteen").bytes());
  std::vector<Bytes> frames = WalkWorld::take(world.near, world.near.underlay);
  ASSERT_EQ(frames.size(), 1U);
  const std::string wire(frames[0].begin(), frames[0].end());
  EXPECT_EQ(wire.find("a secret"), std::string::npos);
  // Opened with the far end's key, the inner packet goes from A's local view to B's real address.
  constexpr std::size_t kText = sizeof(pipeline::OuterIpv4) + sizeof(tunnel::DataHeader);
  BuiltPacket message(Bytes(frames[0].begin() + kText, frames[0].end()));
  tunnel::AeadJob job{.key = &world.far.sessions[0]->keys.receiving,
                      .counter = 0,
                      .data = message.packet().data,
                      .length = message.packet().length - static_cast<std::uint32_t>(tunnel::kTagSize)};
  world.far.walker.aead->open({&job, 1});
  ASSERT_TRUE(job.authentic);
  const auto& ip = *message.packet().header<Ipv4Header>();
  EXPECT_EQ(to_string(Ipv4Address{ip.source}), "10.99.1.5");
  EXPECT_EQ(to_string(Ipv4Address{ip.destination}), "10.244.2.7");
}

TEST(Walk, LargeDatagramIsCutBeforeTheTunnelAndArrivesWhole) {
  WalkWorld world;
  world.from_cluster(from_near_pod().udp(1, 2).payload_size(1472).bytes());
  const std::vector<Bytes> arrived = world.carry_to_far();
  ASSERT_EQ(arrived.size(), 2U);
  Bytes data;
  for (const Bytes& frame : arrived) {
    EXPECT_LE(frame.size() - sizeof(EthernetHeader), 1420U);
    data.insert(data.end(), frame.begin() + sizeof(EthernetHeader) + sizeof(Ipv4Header), frame.end());
  }
  const Bytes whole = at_far_pod().udp(1, 2).payload_size(1472).bytes();
  EXPECT_EQ(data, Bytes(whole.begin() + sizeof(EthernetHeader) + sizeof(Ipv4Header), whole.end()));
  EXPECT_EQ(world.near.imbalance(Direction::kOutbound), "");
}

TEST(Walk, PaddingFillsSixteenButNeverExceedsTheMtu) {
  struct Row {
    std::size_t inner;
    std::size_t padded;
  };
  for (const Row& row : {Row{60, 64}, Row{64, 64}, Row{1409, 1420}, Row{1420, 1420}}) {
    WalkWorld world;
    world.from_cluster(from_near_pod().udp(1, 2).payload_size(row.inner - 28).bytes());
    const std::vector<Bytes> frames = WalkWorld::take(world.near, world.near.underlay);
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].size(), sizeof(pipeline::OuterIpv4) + row.padded + tunnel::kDataOverhead) << row.inner;
  }
}

TEST(Walk, TooBigIsAnsweredInTheSendersAddresses) {
  WalkWorld world;
  const Bytes sent = from_near_pod().dont_fragment().udp(1, 2).payload_size(1460).bytes();
  world.from_cluster(sent);
  std::vector<Bytes> answers = WalkWorld::take(world.near, world.near.cluster);
  ASSERT_EQ(answers.size(), 1U);
  BuiltPacket answer(Bytes(answers[0].begin() + sizeof(EthernetHeader), answers[0].end()));
  ASSERT_TRUE(parse_ipv4(answer.packet()));
  const auto& ip = *answer.packet().header<Ipv4Header>();
  EXPECT_EQ(to_string(Ipv4Address{ip.source}), "10.244.0.1");
  EXPECT_EQ(to_string(Ipv4Address{ip.destination}), "10.244.1.5");
  const auto& icmp = *answer.packet().header<IcmpHeader>(20);
  EXPECT_EQ(icmp.type, IcmpHeader::kUnreachable);
  EXPECT_EQ(icmp.code, IcmpHeader::kCodeFragmentationNeeded);
  EXPECT_EQ(icmp.rest & 0xffff, 1420U);
  const auto& quoted = *answer.packet().header<Ipv4Header>(28);
  EXPECT_EQ(to_string(Ipv4Address{quoted.destination}), "10.71.2.7");
}

TEST(Walk, ADuplicateIsKnownBeforeDecryptionAndForCertainBehindIt) {
  WalkWorld world;
  const tunnel::ReplayWindow& window = world.near.sessions[0]->window;
  const Bytes frame = world.sealed_by_far(inner().bytes(), 3);
  Bytes forged = frame;
  forged.back() ^= 1;
  world.from_underlay(forged);
  EXPECT_EQ(world.near.drops(Direction::kInbound, DropReason::kAuthenticationFailed), 1U);
  EXPECT_EQ(window.next(), 0U) << "nothing of a forged message is believed";
  world.from_underlay(frame);
  world.from_underlay(forged);
  EXPECT_EQ(world.near.drops(Direction::kInbound, DropReason::kAuthenticationFailed), 1U) << "it was not decrypted";
  EXPECT_EQ(window.duplicates(), 1U);

  // Two in one burst: when the window is first looked at, neither has been seen.
  const Bytes next = world.sealed_by_far(inner().bytes(), 2);
  WalkWorld::put(world.near, world.near.underlay, next);
  world.from_underlay(next);
  EXPECT_EQ(window.duplicates(), 2U);
  EXPECT_EQ(window.reordered(), 1U);
  EXPECT_EQ(window.missing_below(window.next()), 2U);
  EXPECT_EQ(world.near.drops(Direction::kInbound, DropReason::kReplayed), 2U);
  EXPECT_EQ(WalkWorld::take(world.near, world.near.cluster).size(), 2U);
  EXPECT_EQ(world.near.pool.outstanding(), 0U);
}

TEST(Walk, PacketWithoutASessionWaitsUntouchedAndWalksOnLater) {
  WalkWorld world;
  tunnel::Session* session = world.near.shared.peers[0]->lane(0).link.sending.exchange(nullptr);
  world.from_cluster(from_near_pod().udp(1000, 2000).payload("hello").bytes());
  pipeline::ToService held;
  ASSERT_TRUE(world.near.walker.mailbox.take_for_service(held));
  EXPECT_EQ(held.packet.punt, Punt::kAwaitSession);
  world.near.shared.peers[0]->lane(0).link.sending = session;
  held.packet.punt = Punt::kNone;
  ASSERT_TRUE(world.near.walker.mailbox.to_worker({pipeline::ToWorker::Kind::kResumeOutbound, held.packet}));
  world.near.worker.run_once(world.now);
  const std::vector<Bytes> arrived = world.carry_to_far();
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_EQ(difference(at_far_pod().udp(1000, 2000).payload("hello").bytes(), BuiltPacket(arrived[0]).packet()), "");
  EXPECT_EQ(world.near.imbalance(Direction::kOutbound), "");
}

// A session that the peer began takes over with its first authentic message, before the service thread hears of it.
TEST(Walk, AnAwaitedSessionSealsFromItsFirstMessageOn) {
  WalkWorld world;
  tunnel::PeerLink& link = world.near.shared.peers[0]->lane(0).link;
  tunnel::Session& newer = *world.near.sessions[0];
  newer.confirmed = false;
  tunnel::Session lost(newer.lane, world.near.shared.sessions.reserve_index(77), 4711, true, newer.keys, kStart);
  link.sending = &lost;
  link.next = &newer;
  const auto sent_with = [&] {
    world.from_cluster(from_near_pod().udp(1000, 2000).payload("hello").bytes());
    const std::vector<Bytes> sent = WalkWorld::take(world.near, world.near.underlay);
    tunnel::DataHeader header{};
    if (sent.size() == 1) std::memcpy(&header, sent[0].data() + sizeof(pipeline::OuterIpv4), sizeof(header));
    return std::uint32_t{header.receiver_index};
  };
  EXPECT_EQ(sent_with(), lost.remote_index);
  world.from_underlay(world.sealed_by_far(inner().bytes(), 0));
  EXPECT_EQ(WalkWorld::take(world.near, world.near.cluster).size(), 1U);
  EXPECT_EQ(sent_with(), newer.remote_index);
  link.next = nullptr;
  link.sending = &newer;
}

// Two lanes: each flow stays on its own, one that fails hands its flows over, and takes them back.
TEST(Walk, FlowsKeepTheirLane) {
  WalkWorld world;
  pipeline::ForwardingTables tables = *world.near.shared.tables.load();
  tables.listen_ports = {51820, 51821};
  tables.peers[0].lanes = 2;
  world.near.shared.tables.publish(std::make_unique<pipeline::ForwardingTables>(tables), world.near.reclaimer);
  pipeline::PeerState& peer = *world.near.shared.peers[0];
  peer.make_lanes(2);
  tunnel::Session second({PeerIndex{0}, 1}, world.near.shared.sessions.reserve_index(77), 4711, true,
                         world.near.sessions[0]->keys, kStart);
  peer.lane(1).link.sending = &second;
  peer.lane(1).outer = new pipeline::OuterHeader({.source_mac = kUnderlayMac,
                                                  .next_hop_mac = kUnderlayMac,
                                                  .source = world.near.own,
                                                  .source_port = 51821,
                                                  .destination = {world.far.own, 7001}});
  constexpr std::uint16_t kFlows = 32;
  const auto lanes = [&](std::uint64_t usable) {
    peer.usable_lanes = usable;
    std::string taken;
    for (std::uint16_t flow = 1; flow <= kFlows; ++flow) {
      world.from_cluster(from_near_pod().udp(flow, 2000).payload("hello").bytes());
      const std::vector<Bytes> frames = WalkWorld::take(world.near, world.near.underlay);
      if (frames.size() != 1) return taken;
      const auto& udp = *reinterpret_cast<const UdpHeader*>(frames[0].data() + kIp + sizeof(Ipv4Header));
      EXPECT_EQ(udp.destination_port, udp.source_port == 51820 ? 51820 : 7001);
      taken += udp.source_port == 51820 ? '0' : '1';
    }
    return taken;
  };
  const std::string both = lanes(0b11);
  EXPECT_NE(both.find('0'), std::string::npos);
  EXPECT_NE(both.find('1'), std::string::npos);
  EXPECT_EQ(lanes(0b11), both);
  EXPECT_EQ(lanes(0b01), std::string(kFlows, '0'));
  EXPECT_EQ(lanes(0b10), std::string(kFlows, '1'));
  EXPECT_EQ(lanes(0b11), both);
  peer.lane(1).link.sending = nullptr;
}

TEST(Walk, RoamingIsBelievedOnlyFromAuthenticPackets) {
  WalkWorld world;
  Bytes frame = world.sealed_by_far(inner().bytes(), 0);
  auto& ip = *reinterpret_cast<Ipv4Header*>(frame.data() + kIp);
  ip.source = ip4("192.0.2.77").value;
  ip.checksum = ipv4_header_checksum(ip);
  Bytes forged = frame;
  forged.back() ^= 1;
  world.from_underlay(forged);
  pipeline::ToService news;
  EXPECT_FALSE(world.near.walker.mailbox.take_for_service(news));
  world.from_underlay(frame);
  ASSERT_TRUE(world.near.walker.mailbox.take_for_service(news));
  EXPECT_EQ(news.kind, pipeline::ToService::Kind::kRoamed);
  EXPECT_EQ(to_string(news.endpoint), "192.0.2.77:51820");
  WalkWorld::take(world.near, world.near.cluster);
}

TEST(Walk, CountsPacketsAndBytesOfThePeer) {
  WalkWorld world;
  world.from_cluster(from_near_pod().udp(1, 2).payload_size(72).bytes());  // 100 bytes of IP
  world.from_underlay(world.sealed_by_far(inner().bytes(), 0));            // 33 bytes of IP
  world.from_underlay(world.sealed_by_far({}, 1));                         // keepalive
  const auto& counters = world.near.shared.peers[0]->counters[0];
  EXPECT_EQ(counters[0].packets.get(), 1U);
  EXPECT_EQ(counters[0].bytes.get(), 100U);
  EXPECT_EQ(counters[0].tunnel_bytes.get(), 112U + 32U);
  EXPECT_EQ(counters[1].packets.get(), 1U);
  EXPECT_EQ(counters[1].bytes.get(), 33U);
  EXPECT_EQ(counters[1].tunnel_bytes.get(), 48U + 32U + 32U);
  WalkWorld::take(world.near, world.near.cluster);
  WalkWorld::take(world.near, world.near.underlay);
}

}  // namespace
}  // namespace isthmus::test
