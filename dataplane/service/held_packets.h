#pragma once
// Packets that wait: for a session, or for a next hop's MAC. Bounded in number and in time.

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "dataplane/packet/packet.h"
#include "dataplane/packet/time.h"
#include "dataplane/pipeline/counters.h"

namespace isthmus::service {

// What a packet waits for: a peer's session, or a next hop on the cluster port.
struct HeldFor {
  enum class What : std::uint8_t { kSession, kNextHop };
  What what = What::kSession;
  std::uint32_t key = 0;  // PeerIndex, or IPv4 address in host order
  auto operator<=>(const HeldFor&) const = default;
};

struct HeldPacket {
  HeldFor for_what;
  pipeline::Direction direction = pipeline::Direction::kOutbound;  // the walk that it left
  Packet packet;
  Instant deadline;
};

class HeldPackets {
 public:
  static constexpr std::size_t kPerKey = 128;
  static constexpr std::size_t kTotal = 2048;                      // well below the packet buffers there are
  static constexpr Duration kPatience = std::chrono::seconds(12);  // two tries of a handshake and their jitter

  // False when the queue is full; the packet stays the caller's.
  bool hold(const HeldPacket& packet);
  // All that wait for this, in the order they came.
  std::vector<HeldPacket> take(const HeldFor& for_what);
  std::vector<HeldPacket> take_expired(Instant now);
  std::vector<HeldPacket> take_of_peer(PeerIndex peer);
  // What is waited for.
  std::vector<HeldFor> keys() const;
  std::size_t held_for_peer(PeerIndex peer) const;

 private:
  template <typename Predicate>
  std::vector<HeldPacket> take_if(Predicate predicate);

  std::map<HeldFor, std::deque<HeldPacket>> queues_;
  std::size_t total_ = 0;
};

}  // namespace isthmus::service
