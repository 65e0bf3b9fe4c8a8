#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/forwarding_tables.h"
#include "dataplane/pipeline/next_hops.h"
#include "tunnel/session_table.h"

namespace isthmus::pipeline {

// Frames of the underlay port become WireGuard messages: data messages get their session and peer, handshakes are
// punted to the service thread. What is not for one of our UDP ports is not ours.
void decapsulate(const ForwardingTables& tables, const NextHops& underlay, bool kernel_owned,
                 const tunnel::SessionTable& sessions, PacketBurst& burst);

}  // namespace isthmus::pipeline
