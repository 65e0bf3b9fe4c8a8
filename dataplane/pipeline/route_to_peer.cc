#include "dataplane/pipeline/route_to_peer.h"

#include <array>

#include "dataplane/packet/headers.h"
#include "dataplane/pipeline/flow_lane.h"
#include "dataplane/pipeline/share_address.h"
#include "dataplane/pipeline/ttl.h"

namespace isthmus::pipeline {
namespace {

// Where each packet of a burst goes, from round to round.
using RouteIndexes = std::array<std::uint32_t, kBurstCapacity>;

std::uint32_t find_peer(const ForwardingTables& tables, const PeerStates& peers, Packet& packet) {
  const std::uint32_t route = tables.route_by_seen_as.lookup({packet.header<Ipv4Header>()->destination});
  if (route == route::PrefixTable::kMissing) {
    packet.drop = DropReason::kNoRoute;
    return route;
  }
  packet.peer = tables.routes[route].peer;
  const auto peer = static_cast<std::size_t>(packet.peer);
  __builtin_prefetch(&tables.peers[peer]);
  __builtin_prefetch(&peers[peer]);
  return route;
}

LaneState& lane_of(const ForwardingTables& tables, const PeerStates& peers, const Packet& packet) {
  const auto place = static_cast<std::size_t>(packet.peer);
  const std::uint32_t lanes = tables.peers[place].lanes;
  PeerState& peer = *peers[place];
  if (lanes == 1) return peer.lane(0);
  return peer.lane(lane_of_flow(flow_hash(packet), lanes, peer.usable_lanes.load(std::memory_order_relaxed)));
}

void find_maps(const ForwardingTables& tables, const PeerStates& peers, nat::FlowTable& flows, Instant now,
               std::uint32_t route, Packet& packet) {
  const PeerTables& peer = tables.peers[static_cast<std::size_t>(packet.peer)];
  const std::uint32_t source_map = peer.local_by_real->lookup({packet.header<Ipv4Header>()->source});
  if (source_map != route::PrefixTable::kMissing) {
    packet.source_map = &peer.maps[source_map];
  } else if (!leave_by_shared_address(tables, flows, now, packet)) {
    return;
  }
  packet.destination_map = &peer.maps[tables.routes[route].map];
  __builtin_prefetch(packet.source_map);
  __builtin_prefetch(packet.destination_map);
  __builtin_prefetch(&lane_of(tables, peers, packet));
}

// The session of the flow's lane to seal with; nullptr: none stands.
void find_session(const LaneState& lane, Packet& packet) {
  packet.session = lane.link.to_seal_with();
  if (packet.session != nullptr) packet.session->prefetch_sending();
  const OuterHeader* outer = lane.outer.load(std::memory_order_acquire);
  if (outer != nullptr) outer->prefetch();
}

}  // namespace

// A burst may be for as many peers as it has packets, and what belongs to a peer is then in no near cache. So each
// round asks for the lines that the next one reads, for the whole burst at once.
void route_to_peer(const ForwardingTables& tables, const PeerStates& peers, nat::FlowTable& flows,
                   const NextHops& cluster, Replies& replies, Instant now, PacketBurst& burst) {
  RouteIndexes routes;
  const Packet* const first = burst.all().data();
  burst.each(
      [&](Packet& packet) { routes[static_cast<std::size_t>(&packet - first)] = find_peer(tables, peers, packet); });
  burst.each([&](Packet& packet) {
    find_maps(tables, peers, flows, now, routes[static_cast<std::size_t>(&packet - first)], packet);
  });
  burst.each([&](Packet& packet) { find_session(lane_of(tables, peers, packet), packet); });
  burst.each([&](Packet& packet) {
    // WireGuard section 6.2: the last session may be too old.
    if (packet.session == nullptr || packet.session->expired(now)) {
      packet.session = nullptr;
      packet.source_shared = false;
      packet.punt = Punt::kAwaitSession;
    } else if (!decrement_ttl(*packet.header<Ipv4Header>())) {
      replies.answer(packet, DropReason::kTtlExpired, IcmpErrorKind::kTimeExceeded, cluster.own(), 0, now);
    }
  });
}

}  // namespace isthmus::pipeline
