#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/forwarding_tables.h"
#include "dataplane/pipeline/next_hops.h"
#include "dataplane/pipeline/replies.h"

namespace isthmus::pipeline {

// Afterwards every packet fits its peer's tunnel and has room for what the tunnel adds. Comes before translate, so that
// an ICMP error quotes the packet as its sender knows it.
void fit_mtu(const ForwardingTables& tables, const NextHops& cluster, BufferPool& pool, Replies& replies, Instant now,
             PacketBurst& burst);

}  // namespace isthmus::pipeline
