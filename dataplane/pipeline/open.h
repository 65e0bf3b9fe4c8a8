#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/mailbox.h"
#include "dataplane/pipeline/peer_state.h"
#include "dataplane/pipeline/walker.h"
#include "tunnel/aead.h"

namespace isthmus::pipeline {

// WireGuard data messages become inner packets, padding still on. Nothing of a message is believed before its tag has
// verified: neither its counter, nor where it came from, nor that its session is alive.
void open(const PeerStates& peers, tunnel::BurstAead& aead, Mailbox& mailbox, AeadJobs& jobs, Instant now,
          PacketBurst& burst);

}  // namespace isthmus::pipeline
