#include "dataplane/pipeline/authorize.h"

#include "dataplane/packet/ecn.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/parse.h"
#include "dataplane/pipeline/share_address.h"
#include "dataplane/pipeline/ttl.h"

namespace isthmus::pipeline {
namespace {

// RFC 6040 section 4.2: the inner packet carries on what routers said of congestion to the outer one. False: it dies.
bool take_over_ecn(Packet& packet, Ipv4Header& ip) {
  if (packet.outer_ecn == 0) return true;
  const std::optional<Ecn> ecn = ecn_behind_tunnel(ecn_of(ip), Ecn{static_cast<std::uint8_t>(packet.outer_ecn)});
  if (!ecn) {
    packet.drop = DropReason::kEcnCongestedNotCapable;
    return false;
  }
  if (*ecn != ecn_of(ip)) set_ecn(ip, *ecn);
  return true;
}

// Its sender is told, through the lane that the packet came by: translate has not touched it yet, so what the answer
// quotes is what the peer's gateway can turn back into what the pod sent.
void end_here(const PeerStates& peers, Replies& replies, Instant now, Packet& packet) {
  tunnel::Session* sending = lane_state(peers, packet.session->lane).link.to_seal_with();
  replies.answer_peer(packet, DropReason::kTtlExpired, IcmpErrorKind::kTimeExceeded, sending, now);
}

}  // namespace

void authorize(const ForwardingTables& tables, const PeerStates& peers, nat::FlowTable& flows, Replies& replies,
               Instant now, PacketBurst& burst) {
  // Each peer's line is on its way before it is needed.
  burst.each(
      [&](const Packet& packet) { __builtin_prefetch(tables.peers.data() + static_cast<std::size_t>(packet.peer)); });
  burst.each([&](Packet& packet) {
    if (!parse_ipv4(packet)) return;
    auto& ip = *packet.header<Ipv4Header>();
    const auto index = static_cast<std::size_t>(packet.peer);
    // A session may outlive its peer's configuration by a moment.
    if (index >= tables.peers.size()) {
      packet.drop = DropReason::kSourceNotAllowed;
      return;
    }
    const PeerTables& peer = tables.peers[index];
    const std::uint32_t source = peer.remote_by_real->lookup({ip.source});
    if (source == route::PrefixTable::kMissing) {
      packet.drop = DropReason::kSourceNotAllowed;
      return;
    }
    const std::uint32_t destination = peer.local_by_seen_as->lookup({ip.destination});
    if (destination != route::PrefixTable::kMissing) {
      packet.destination_map = &peer.maps[destination];
    } else if (peer.others_seen_as != Ipv4Address{ip.destination}) {
      packet.drop = DropReason::kDestinationNotOffered;
      return;
    } else if (!enter_by_shared_address(peer, flows, now, packet)) {
      return;
    }
    packet.source_map = &peer.maps[source];
    __builtin_prefetch(packet.source_map);
    __builtin_prefetch(packet.destination_map);
    if (!take_over_ecn(packet, ip)) return;
    if (!decrement_ttl(ip)) end_here(peers, replies, now, packet);
  });
}

}  // namespace isthmus::pipeline
