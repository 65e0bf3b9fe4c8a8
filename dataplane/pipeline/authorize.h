#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/forwarding_tables.h"
#include "dataplane/pipeline/peer_state.h"
#include "dataplane/pipeline/replies.h"
#include "nat/flow_table.h"

namespace isthmus::pipeline {

// Parses the inner packet and holds it to what this peer may do: speak from its own addresses, reach our pods. Fills
// source_map and destination_map, takes over what the tunnel learned of congestion, and takes one off the TTL. (peer,
// address) is the key, never an address alone.
void authorize(const ForwardingTables& tables, const PeerStates& peers, nat::FlowTable& flows, Replies& replies,
               Instant now, PacketBurst& burst);

}  // namespace isthmus::pipeline
