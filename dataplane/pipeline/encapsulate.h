#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/peer_state.h"

namespace isthmus::pipeline {

// A data message becomes a frame for the underlay port.
void encapsulate(const PeerStates& peers, PacketBurst& burst);

}  // namespace isthmus::pipeline
