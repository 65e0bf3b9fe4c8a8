#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/forwarding_tables.h"
#include "dataplane/pipeline/next_hops.h"
#include "dataplane/pipeline/peer_state.h"
#include "dataplane/pipeline/replies.h"
#include "nat/flow_table.h"

namespace isthmus::pipeline {

// Writes peer, session, source_map and destination_map, and takes one off the TTL. Without a session the packet waits
// with the service thread, untouched, and walks here again.
void route_to_peer(const ForwardingTables& tables, const PeerStates& peers, nat::FlowTable& flows,
                   const NextHops& cluster, Replies& replies, Instant now, PacketBurst& burst);

}  // namespace isthmus::pipeline
