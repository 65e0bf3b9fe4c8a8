#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/forwarding_tables.h"
#include "nat/flow_table.h"

namespace isthmus::pipeline {

// Outbound: a packet whose source is in no map of its peer leaves from the peer's shared address, by a flow that
// becomes its source_map. False: the packet dies.
bool leave_by_shared_address(const ForwardingTables& tables, nat::FlowTable& flows, Instant now, Packet& packet);

// Inbound: a packet for the peer's shared address goes to who speaks from there, by a flow that becomes its
// destination_map. False: the packet dies.
bool enter_by_shared_address(const PeerTables& peer, nat::FlowTable& flows, Instant now, Packet& packet);

}  // namespace isthmus::pipeline
