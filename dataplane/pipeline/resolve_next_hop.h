#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/next_hops.h"

namespace isthmus::pipeline {

// An IP packet for the cluster becomes a frame. Without the next hop's MAC it waits with the service thread.
void resolve_next_hop(const NextHops& cluster, PacketBurst& burst);

}  // namespace isthmus::pipeline
