#include "dataplane/pipeline/fit_mtu.h"

#include "dataplane/packet/fragment.h"
#include "dataplane/packet/mss_clamp.h"
#include "dataplane/pipeline/outer_header.h"
#include "tunnel/wire.h"

namespace isthmus::pipeline {
namespace {

constexpr std::size_t kRoomBefore = OuterHeader::kMaxSize + sizeof(tunnel::DataHeader);
constexpr std::size_t kRoomAfter = tunnel::kPaddingMultiple - 1 + tunnel::kTagSize;

}  // namespace

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
    if (packet.headroom < kRoomBefore || packet.tailroom < kRoomAfter) packet.drop = DropReason::kNoBuffer;
  });
}

}  // namespace isthmus::pipeline
