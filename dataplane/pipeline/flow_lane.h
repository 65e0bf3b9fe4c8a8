#pragma once
// Which of a peer's lanes a flow takes: always the same one while that is usable, so that its packets keep their order.

#include <cstdint>

#include "dataplane/packet/packet.h"

namespace isthmus::pipeline {

// Over addresses, protocol and ports of the parsed IPv4 packet at `data`; fragments have no ports, nor have other
// protocols than TCP and UDP.
std::uint32_t flow_hash(const Packet& packet);

// One of lanes 0 to `lanes` - 1. `usable` has a bit for each that works. A flow whose lane does not goes to one of the
// others, the flows of one lane to different ones, and comes back as soon as it works again; all other flows stay.
std::uint32_t lane_of_flow(std::uint32_t hash, std::uint32_t lanes, std::uint64_t usable);

}  // namespace isthmus::pipeline
