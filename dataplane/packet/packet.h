#pragma once
// A packet on its walk, and the burst of packets that walks together.

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet/drop_reason.h"

namespace isthmus {

namespace nat {
struct PrefixMap;
}
namespace tunnel {
class Session;
}

// One peer's place in the tables: dense, stable for as long as the peer is configured.
enum class PeerIndex : std::uint32_t {};
inline constexpr PeerIndex kNoPeer{~std::uint32_t{0}};

// One of a peer's lanes. Lane n of every peer speaks from the n-th of our UDP ports.
inline constexpr std::size_t kMaxLanes = 64;  // of one peer
struct LaneId {
  PeerIndex peer = kNoPeer;
  std::uint32_t number = 0;  // below kMaxLanes
  auto operator<=>(const LaneId&) const = default;
};

// One cache line. A stage writes fields that nobody wrote before it; the stage that writes a field is named beside it.
// `data` and `length` are the packet as the current stage sees it: the whole frame at rx, the IP packet after parse,
// the WireGuard message after decapsulate, the inner packet after open, a whole frame again at tx.
struct alignas(64) Packet {
  std::uint8_t* data = nullptr;
  void* buffer = nullptr;      // rx: the port's own handle; nullptr: the packet owns no memory
  std::uint32_t length = 0;    // bytes from data
  std::uint16_t headroom = 0;  // writable bytes before data
  std::uint16_t tailroom = 0;  // writable bytes after data + length
  DropReason drop = DropReason::kNone;
  Punt punt = Punt::kNone;
  std::uint8_t protocol = 0;            // parse: IpProtocol of the first header after IP
  std::uint8_t l4_offset = 0;           // parse: bytes from data to the L4 header, 20 to 60
  bool has_l4 : 1 = false;              // parse: the L4 header is in this packet (not a later fragment, protocol known)
  bool is_fragment : 1 = false;         // parse: first or later fragment
  bool dont_fragment : 1 = false;       // parse: DF
  std::uint8_t outer_ecn : 2 = 0;       // seal | decapsulate: the two bits of ecn.h in the tunnel's IP header
  bool source_shared : 1 = false;       // route_to_peer: source_map is a flow's
  bool destination_shared : 1 = false;  // authorize: destination_map is a flow's
  std::uint8_t padding = 0;             // seal: bytes of padding behind the inner packet
  std::uint16_t inner_length = 0;       // seal: bytes of the inner packet; open: the same with WireGuard's padding
  PeerIndex peer = kNoPeer;             // route_to_peer | decapsulate
  std::uint32_t next_hop = 0;           // resolve_next_hop: IPv4 next hop, host order
  tunnel::Session* session = nullptr;   // route_to_peer | decapsulate
  const nat::PrefixMap* source_map = nullptr;  // route_to_peer | authorize
  const nat::PrefixMap* destination_map = nullptr;

  bool walks() const { return drop == DropReason::kNone && punt == Punt::kNone; }

  template <typename Header>
  Header* header(std::size_t offset = 0) {
    return reinterpret_cast<Header*>(data + offset);
  }
  template <typename Header>
  const Header* header(std::size_t offset = 0) const {
    return reinterpret_cast<const Header*>(data + offset);
  }

  // Takes `count` bytes off the front; they become headroom.
  void pull(std::size_t count) {
    assert(count <= length);
    data += count;
    length -= static_cast<std::uint32_t>(count);
    headroom = static_cast<std::uint16_t>(headroom + count);
  }
  // Puts `count` bytes of headroom in front.
  void push(std::size_t count) {
    assert(count <= headroom);
    data -= count;
    length += static_cast<std::uint32_t>(count);
    headroom = static_cast<std::uint16_t>(headroom - count);
  }
  // Cuts the packet to `size` bytes, or extends it into the tailroom.
  void resize(std::size_t size) {
    assert(size <= length + tailroom);
    tailroom = static_cast<std::uint16_t>(tailroom + length - size);
    length = static_cast<std::uint32_t>(size);
  }
};
static_assert(sizeof(Packet) == 64);

// How many packets a port gives at a time, and how many a burst can become when each is cut into fragments.
inline constexpr std::size_t kBurst = 64;
inline constexpr std::size_t kBurstCapacity = 512;

class PacketBurst {
 public:
  std::size_t size() const { return size_; }
  bool full() const { return size_ == kBurstCapacity; }
  void clear() { size_ = 0; }
  // Forgets the packets from `size` on; their buffers are the caller's.
  void shrink(std::size_t size) {
    assert(size <= size_);
    size_ = size;
  }
  Packet& add() {
    assert(!full());
    return packets_[size_++] = Packet{};
  }
  Packet& operator[](std::size_t index) { return packets_[index]; }
  std::span<Packet> all() { return {packets_.data(), size_}; }

  // Calls `visit` for each packet that still walks, in order. Packets added meanwhile are not visited.
  template <typename Visit>
  void each(Visit&& visit) {
    const std::size_t count = size_;
    for (std::size_t i = 0; i < count; ++i) {
      if (packets_[i].walks()) visit(packets_[i]);
    }
  }

 private:
  std::array<Packet, kBurstCapacity> packets_;
  std::size_t size_ = 0;
};

// Where packets' memory comes from: mbufs in the gateway, the heap in tests. One per worker; not thread-safe.
class BufferPool {
 public:
  virtual ~BufferPool() = default;
  // A packet of length 0 with at least kHeadroom bytes before data and 2048 - kHeadroom after it; false when none is
  // left.
  virtual bool allocate(Packet& packet) = 0;
  virtual void release(Packet& packet) = 0;  // packet.buffer becomes nullptr

  static constexpr std::size_t kHeadroom = 128;
};

}  // namespace isthmus
