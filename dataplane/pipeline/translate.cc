#include "dataplane/pipeline/translate.h"

#include <cstddef>

#include "nat/flow_port.h"
#include "nat/rewrite.h"

namespace isthmus::pipeline {
namespace {

// A flow begins with its map (share_address.cc).
const nat::Flow& flow_of(const nat::PrefixMap* map) { return *reinterpret_cast<const nat::Flow*>(map); }
static_assert(offsetof(nat::Flow, map) == 0);

void translate_ports(Packet& packet) {
  if (packet.source_shared) nat::rewrite_flow_port(packet, flow_of(packet.source_map), nat::FlowEnd::kSource);
  if (packet.destination_shared) {
    nat::rewrite_flow_port(packet, flow_of(packet.destination_map), nat::FlowEnd::kDestination);
  }
}

}  // namespace

void translate(PacketBurst& burst) {
  burst.each([](Packet& packet) {
    if (packet.source_shared || packet.destination_shared) translate_ports(packet);
    nat::rewrite(packet);
  });
}

}  // namespace isthmus::pipeline
