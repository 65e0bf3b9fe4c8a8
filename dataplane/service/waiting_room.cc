#include "dataplane/service/waiting_room.h"

namespace isthmus::service {

using pipeline::ToWorker;

void WaitingRoom::hold(const HeldFor& for_what, const pipeline::ToService& item, Instant now) {
  HeldPacket held{for_what, item.direction, item.packet, now + HeldPackets::kPatience};
  if (!held_.hold(held)) die(held, DropReason::kHeldQueueFull);
}

void WaitingRoom::resume(const HeldFor& for_what) {
  const bool outbound = for_what.what == HeldFor::What::kSession;
  for (HeldPacket& held : held_.take(for_what)) {
    ToWorker item{outbound ? ToWorker::Kind::kResumeOutbound : ToWorker::Kind::kResumeInbound, held.packet};
    item.packet.punt = Punt::kNone;
    if (!plane_.mailbox().to_worker(item)) die(held, DropReason::kHeldQueueFull);
  }
}

void WaitingRoom::give_up(const HeldFor& for_what, DropReason reason) {
  for (HeldPacket& held : held_.take(for_what)) die(held, reason);
}

void WaitingRoom::forget(PeerIndex peer) {
  for (HeldPacket& held : held_.take_of_peer(peer)) die(held, DropReason::kNoSession);
}

void WaitingRoom::expire(Instant now) {
  for (HeldPacket& held : held_.take_expired(now)) {
    const bool session = held.for_what.what == HeldFor::What::kSession;
    die(held, session ? DropReason::kNoSession : DropReason::kNeighbourUnresolved);
  }
}

void WaitingRoom::neighbours_changed(const pipeline::NextHops& next_hops) {
  for (const HeldFor& key : held_.keys()) {
    if (key.what == HeldFor::What::kNextHop && next_hops.mac({key.key}) != nullptr) resume(key);
  }
}

void WaitingRoom::die(HeldPacket& held, DropReason reason) {
  const auto direction = static_cast<std::size_t>(held.direction);
  const PeerIndex peer = held.packet.peer;
  auto& drops = plane_.registry.known(peer) ? plane_.registry[peer].drops : drops_;
  ++drops[direction][static_cast<std::size_t>(reason)];
  plane_.forwarder.pool().release(held.packet);
}

}  // namespace isthmus::service
