#pragma once
// A gateway's data plane in memory: real tables, real sessions, real worker; ports are queues and keys are made up.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/config/compile.h"
#include "dataplane/pipeline/worker.h"
#include "test/support/packet_builder.h"

namespace isthmus::test {

class MemoryPort final : public pipeline::Port {
 public:
  void receive(PacketBurst& burst) override {
    for (; burst.size() < kBurst && !incoming.empty(); incoming.pop_front()) burst.add() = incoming.front();
  }
  std::size_t transmit(PacketBurst& burst) override {
    std::size_t sent = 0;
    burst.each([&](Packet& packet) {
      if (sent == room) {
        packet.drop = DropReason::kTransmitFull;
        return;
      }
      ++sent;
      outgoing.push_back(packet);
      packet.buffer = nullptr;
    });
    return sent;
  }

  std::deque<Packet> incoming;
  std::vector<Packet> outgoing;
  std::size_t room = ~std::size_t{0};  // how many packets a burst it takes
};

// For tests with one thread: nobody can hold anything.
class ImmediateReclaimer final : public pipeline::Reclaimer {
 public:
  void retire(std::function<void()> free) override { free(); }
};

// Who a gateway is, and its neighbourhood: one pod and one underlay router.
struct MemoryGatewaySetup {
  std::string underlay_address = "192.0.2.1";
  std::string cluster_address = "10.244.0.1";
  std::string pod = "10.244.1.5";
  config::ValidatedConfig config;
  tunnel::AeadChoice aead = tunnel::AeadChoice::kAuto;
  bool kernel_ports = false;
};

inline const MacAddress kClusterMac = mac("02:00:00:00:01:01");
inline const MacAddress kUnderlayMac = mac("02:00:00:00:02:01");
inline const MacAddress kPodMac = mac("02:00:00:00:01:05");
inline const Instant kStart{std::chrono::seconds(1000)};

class MemoryGateway {
 public:
  explicit MemoryGateway(const MemoryGatewaySetup& setup)
      : shared(4 * pipeline::kMaxPeers),
        walker(shared, 0, tunnel::make_burst_aead(setup.aead), pool),
        worker(walker, cluster, underlay),
        own(ip4(setup.underlay_address)) {
    walker.cluster_port_has_kernel = walker.underlay_port_has_kernel = setup.kernel_ports;
    const Ipv4Prefix on_link = make_prefix(ip4(setup.cluster_address), 16);
    const pipeline::NextHops::RouteEntry route{on_link, std::nullopt};
    const pipeline::NextHops::NeighbourEntry pod{ip4(setup.pod), kPodMac};
    shared.cluster.publish(std::make_unique<pipeline::NextHops>(kClusterMac, ip4(setup.cluster_address),
                                                                std::span(&route, 1), std::span(&pod, 1)),
                           reclaimer);
    shared.underlay.publish(
        std::make_unique<pipeline::NextHops>(kUnderlayMac, own, std::span(&route, 0), std::span(&pod, 0)), reclaimer);
    tunnel::CookieChecker checker(kPublicKey);
    checker.renew_secret(kStart, [](std::span<std::uint8_t> bytes) { std::ranges::fill(bytes, std::uint8_t{0x5a}); });
    shared.gate_keys.publish(
        std::make_unique<tunnel::GateKeys>(tunnel::GateKeys{{checker}, tunnel::MacKey(kPublicKey)}), reclaimer);
    apply(setup.config);
  }

  void apply(const config::ValidatedConfig& config) {
    std::vector<PeerIndex> places;
    for (std::uint32_t i = 0; i < config.peers.size(); ++i) {
      places.push_back(PeerIndex{i});
      if (!shared.peers[i]) shared.peers[i] = std::make_unique<pipeline::PeerState>(1);
    }
    shared.tables.publish(std::make_unique<pipeline::ForwardingTables>(config::compile(config, places)), reclaimer);
  }

  // A session to peer `place`, as a finished handshake leaves it. `key`: any number; both ends give the same one.
  void add_session(std::uint32_t place, Ipv4Address far_end, std::uint32_t local_index, std::uint32_t remote_index,
                   std::uint8_t key, bool initiator, Instant created = kStart) {
    tunnel::Session::Keys keys;
    keys.sending.bytes.fill(initiator ? key : static_cast<std::uint8_t>(key ^ 0x80));
    keys.receiving.bytes.fill(initiator ? static_cast<std::uint8_t>(key ^ 0x80) : key);
    auto& session = *sessions.emplace_back(std::make_unique<tunnel::Session>(LaneId{PeerIndex{place}}, local_index,
                                                                             remote_index, initiator, keys, created));
    session.confirmed = true;
    shared.sessions.insert(session);
    pipeline::LaneState& lane = shared.peers[place]->lane(0);
    lane.link.sending = &session;
    delete lane.outer.exchange(new pipeline::OuterHeader({.source_mac = kUnderlayMac,
                                                          .next_hop_mac = kUnderlayMac,
                                                          .source = own,
                                                          .source_port = 51820,
                                                          .destination = {far_end, 51820}}));
  }

  // received + originated + resumed = transmitted + dropped + punts, and no buffer is lost but those still in queues.
  std::string imbalance(pipeline::Direction direction) const {
    const pipeline::WalkCounters& c = walker.counters[static_cast<std::size_t>(direction)];
    std::uint64_t punts = 0;
    for (const auto& punt : c.punts) punts += punt.get();
    const std::uint64_t in = c.received.get() + c.originated.get() + c.resumed.get();
    const std::uint64_t out = c.transmitted.get() + c.dropped.get() + punts;
    return in == out ? "" : "in " + std::to_string(in) + ", out " + std::to_string(out);
  }
  std::uint64_t drops(pipeline::Direction direction, DropReason reason) const {
    const auto d = static_cast<std::size_t>(direction);
    const auto r = static_cast<std::size_t>(reason);
    std::uint64_t count = walker.counters[d].drops_without_peer[r].get();
    for (const auto& peer : shared.peers) count += peer ? peer->counters[0][d].drops[r].get() : 0;
    return count;
  }

  HeapPool pool;
  ImmediateReclaimer reclaimer;
  pipeline::Shared shared;
  std::vector<std::unique_ptr<tunnel::Session>> sessions;
  MemoryPort cluster;
  MemoryPort underlay;
  pipeline::Walker walker;
  pipeline::Worker worker;
  const Ipv4Address own;
  static constexpr tunnel::PublicKey kPublicKey{7, 7, 7};  // nobody has the private one
};

// Sessions both ways between peer `at_a` of a and peer `at_b` of b.
inline void connect(MemoryGateway& a, std::uint32_t at_a, MemoryGateway& b, std::uint32_t at_b, std::uint8_t key = 7) {
  const std::uint32_t index_a = a.shared.sessions.reserve_index(0x12345678U + at_a);
  const std::uint32_t index_b = b.shared.sessions.reserve_index(0x23456789U + at_b);
  a.add_session(at_a, b.own, index_a, index_b, key, true);
  b.add_session(at_b, a.own, index_b, index_a, key, false);
}

}  // namespace isthmus::test
