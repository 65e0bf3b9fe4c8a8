#include "dataplane/pipeline/authorize.h"

#include "dataplane/packet/headers.h"
#include "dataplane/packet/parse.h"
#include "dataplane/pipeline/ttl.h"

namespace isthmus::pipeline {

void authorize(const ForwardingTables& tables, PacketBurst& burst) {
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
    if (destination == route::PrefixTable::kMissing) {
      packet.drop = DropReason::kDestinationNotOffered;
      return;
    }
    packet.source_map = &peer.maps[source];
    packet.destination_map = &peer.maps[destination];
    __builtin_prefetch(packet.source_map);
    __builtin_prefetch(packet.destination_map);
    if (!decrement_ttl(ip)) packet.drop = DropReason::kTtlExpired;
  });
}

}  // namespace isthmus::pipeline
