#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/forwarding_tables.h"
#include "dataplane/pipeline/peer_state.h"
#include "dataplane/pipeline/walker.h"
#include "tunnel/aead.h"

namespace isthmus::pipeline {

// Each packet becomes a WireGuard data message of its session (section 5.4.6), padded to a multiple of 16 bytes but
// never beyond the peer's MTU: a packet of that size fills the underlay's MTU exactly.
void seal(const ForwardingTables& tables, const PeerStates& peers, tunnel::BurstAead& aead, AeadJobs& jobs, Instant now,
          PacketBurst& burst);

// One empty data message: a keepalive. `packet` is a fresh buffer. False when the session has no nonce left.
bool seal_keepalive(tunnel::Session& session, tunnel::BurstAead& aead, Packet& packet);

}  // namespace isthmus::pipeline
