#include "dataplane/pipeline/route_to_peer.h"

#include "dataplane/packet/headers.h"
#include "dataplane/pipeline/flow_lane.h"
#include "dataplane/pipeline/ttl.h"

namespace isthmus::pipeline {
namespace {

// The session of the flow's lane to seal with, or nullptr: none stands or the last one is too old (WireGuard section
// 6.2).
tunnel::Session* session_of(const PeerState& peer, std::uint32_t lanes, const Packet& packet, Instant now) {
  const std::uint32_t lane =
      lanes == 1 ? 0 : lane_of_flow(flow_hash(packet), lanes, peer.usable_lanes.load(std::memory_order_relaxed));
  tunnel::Session* session = peer.lanes[lane].link.sending.load(std::memory_order_acquire);
  return session != nullptr && !session->expired(now) ? session : nullptr;
}

// Fills packet's peer and maps; false when it has no way.
bool find_way(const ForwardingTables& tables, const Ipv4Header& ip, Packet& packet) {
  const std::uint32_t route_index = tables.route_by_seen_as.lookup({ip.destination});
  if (route_index == route::PrefixTable::kMissing) {
    packet.drop = DropReason::kNoRoute;
    return false;
  }
  const Route& route = tables.routes[route_index];
  const PeerTables& peer = tables.peers[static_cast<std::size_t>(route.peer)];
  packet.peer = route.peer;
  const std::uint32_t source_map = peer.local_by_real.lookup({ip.source});
  if (source_map == route::PrefixTable::kMissing) {
    packet.drop = DropReason::kSourceNotLocal;
    return false;
  }
  packet.source_map = &peer.maps[source_map];
  packet.destination_map = &peer.maps[route.map];
  return true;
}

}  // namespace

void route_to_peer(const ForwardingTables& tables, const PeerStates& peers, const NextHops& cluster, Replies& replies,
                   Instant now, PacketBurst& burst) {
  burst.each([&](Packet& packet) {
    auto& ip = *packet.header<Ipv4Header>();
    if (!find_way(tables, ip, packet)) return;
    const auto peer = static_cast<std::size_t>(packet.peer);
    packet.session = session_of(*peers[peer], tables.peers[peer].lanes, packet, now);
    if (packet.session == nullptr) {
      packet.punt = Punt::kAwaitSession;
    } else if (!decrement_ttl(ip)) {
      replies.answer(packet, DropReason::kTtlExpired, IcmpErrorKind::kTimeExceeded, cluster.own(), 0, now);
    }
  });
}

}  // namespace isthmus::pipeline
