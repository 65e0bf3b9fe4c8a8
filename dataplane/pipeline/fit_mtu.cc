#include "dataplane/pipeline/fit_mtu.h"

#include "dataplane/packet/fragment.h"
#include "dataplane/packet/mss_clamp.h"
#include "dataplane/pipeline/tunnel_room.h"

namespace isthmus::pipeline {

void fit_mtu(const ForwardingTables& tables, const NextHops& cluster, BufferPool& pool, Replies& replies, Instant now,
             PacketBurst& burst) {
  burst.each([&](Packet& packet) {
    const std::uint16_t mtu = tables.peers[static_cast<std::size_t>(packet.peer)].mtu;
    if (packet.length > mtu) {
      if (packet.dont_fragment) {
        replies.answer(packet, DropReason::kTooBig, IcmpErrorKind::kFragmentationNeeded, cluster.own(), mtu, now);
        return;
      }
      if (!fragment_ipv4(packet, mtu, burst, pool)) {
        packet.drop = DropReason::kNoBuffer;
        return;
      }
    }
    clamp_mss(packet, mtu);
    if (!has_tunnel_room(packet)) packet.drop = DropReason::kNoBuffer;
  });
}

}  // namespace isthmus::pipeline
