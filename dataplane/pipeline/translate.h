#pragma once
#include "dataplane/packet/packet.h"

namespace isthmus::pipeline {

// Both walks: the source becomes what the receiver sees, the destination becomes real, by the packet's two maps.
// A map that is a flow's translates the port too.
void translate(PacketBurst& burst);

}  // namespace isthmus::pipeline
