#pragma once
// Follows a few packets through their walks, stage by stage, for an administrator who asks to see them.

#include <array>
#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/packet/address.h"
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/counters.h"

namespace isthmus::pipeline {

// One packet after one stage. Addresses only where the stage leaves the inner packet in the open: never a payload.
struct TraceRecord {
  std::uint32_t packet = 0;  // counts the packets of one trace from 1
  Direction direction = Direction::kOutbound;
  std::string_view stage;  // static text
  bool shows_inner = false;
  Ipv4Address source;
  Ipv4Address destination;
  std::uint16_t length = 0;
  DropReason drop = DropReason::kNone;
  Punt punt = Punt::kNone;
};

// One a worker. Costs one relaxed load a burst while nobody asks.
class Tracer {
 public:
  static constexpr std::uint32_t kMostPackets = 100;

  // Service thread. Follow the next `count` packets, or those that have `address` as a source or destination when the
  // walk first sees their inner header. A new request replaces the old one.
  void ask(std::uint32_t count, std::optional<Ipv4Address> address);
  bool take(TraceRecord& record) { return records_.pop(record); }

  // Worker.
  bool asked() const { return wanted_.load(std::memory_order_relaxed) != 0; }
  void begin_walk();
  void look(PacketBurst& burst, Direction direction, std::string_view stage, bool shows_inner);

 private:
  bool matches(const Packet& packet) const;

  std::atomic<std::uint32_t> wanted_{0};                  // service: w, worker: counts down
  std::atomic<std::uint64_t> address_{kAnyAddress};       // service: w, worker: r
  std::array<std::uint32_t, kBurstCapacity> followed_{};  // worker: a packet's number, 0: not followed
  std::uint32_t numbered_ = 0;
  boost::lockfree::spsc_queue<TraceRecord, boost::lockfree::capacity<1024>> records_;

  static constexpr std::uint64_t kAnyAddress = ~std::uint64_t{0};
};

}  // namespace isthmus::pipeline
