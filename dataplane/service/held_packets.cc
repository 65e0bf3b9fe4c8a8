#include "dataplane/service/held_packets.h"

namespace isthmus::service {

bool HeldPackets::hold(const HeldPacket& packet) {
  auto& queue = queues_[packet.for_what];
  if (queue.size() >= kPerKey || total_ >= kTotal) {
    if (queue.empty()) queues_.erase(packet.for_what);
    return false;
  }
  queue.push_back(packet);
  ++total_;
  return true;
}

std::vector<HeldPacket> HeldPackets::take(const HeldFor& for_what) {
  const auto found = queues_.find(for_what);
  if (found == queues_.end()) return {};
  std::vector<HeldPacket> taken(found->second.begin(), found->second.end());
  total_ -= taken.size();
  queues_.erase(found);
  return taken;
}

template <typename Predicate>
std::vector<HeldPacket> HeldPackets::take_if(Predicate predicate) {
  std::vector<HeldPacket> taken;
  for (auto queue = queues_.begin(); queue != queues_.end();) {
    auto& packets = queue->second;
    std::erase_if(packets, [&](const HeldPacket& held) {
      const bool take = predicate(held);
      if (take) taken.push_back(held);
      return take;
    });
    queue = packets.empty() ? queues_.erase(queue) : std::next(queue);
  }
  total_ -= taken.size();
  return taken;
}

std::vector<HeldPacket> HeldPackets::take_expired(Instant now) {
  return take_if([now](const HeldPacket& held) { return held.deadline <= now; });
}

std::vector<HeldPacket> HeldPackets::take_of_peer(PeerIndex peer) {
  return take_if([peer](const HeldPacket& held) { return held.packet.peer == peer; });
}

std::vector<HeldFor> HeldPackets::keys() const {
  std::vector<HeldFor> keys;
  for (const auto& [key, queue] : queues_) keys.push_back(key);
  return keys;
}

std::size_t HeldPackets::held_for_peer(PeerIndex peer) const {
  std::size_t count = 0;
  for (const auto& [key, queue] : queues_) {
    for (const HeldPacket& held : queue) count += held.packet.peer == peer ? 1U : 0U;
  }
  return count;
}

}  // namespace isthmus::service
