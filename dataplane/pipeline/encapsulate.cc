#include "dataplane/pipeline/encapsulate.h"

#include "tunnel/wire.h"

namespace isthmus::pipeline {

void encapsulate(const PeerStates& peers, PacketBurst& burst) {
  burst.each([&](Packet& packet) {
    const OuterHeader* outer = lane_state(peers, packet.session->lane).outer.load(std::memory_order_acquire);
    if (outer == nullptr) {
      packet.drop = DropReason::kUnderlayUnresolved;
      return;
    }
    const std::uint64_t counter = packet.header<tunnel::DataHeader>()->counter;
    outer->put_on(packet, static_cast<std::uint16_t>(counter));
  });
}

}  // namespace isthmus::pipeline
