#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/next_hops.h"

namespace isthmus::pipeline {

// Frames of the cluster port become IPv4 packets with known offsets. A frame for another machine, or for the gateway's
// own address, is not ours. `kernel_owned`: whatever is not IPv4 for us is the kernel's, and senders may have left L4
// checksums unfinished; they are finished here.
void parse(const NextHops& port, bool kernel_owned, PacketBurst& burst);

// Ethernet of one frame that came in through `port`, for both walks: false when it does not walk on.
bool parse_frame_for_us(const NextHops& port, bool kernel_owned, Packet& packet);

}  // namespace isthmus::pipeline
