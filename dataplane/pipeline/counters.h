#pragma once
// What the walks count. One thread writes a counter, any thread may read it.

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/packet/drop_reason.h"

namespace isthmus::pipeline {

enum class Direction : std::uint8_t { kOutbound, kInbound };
inline constexpr std::size_t kDirections = 2;

// No lock prefix: there is only one writer.
class Counter {
 public:
  void add(std::uint64_t count) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

using DropCounters = std::array<Counter, kDropReasons>;

// received + originated + resumed = transmitted + dropped + sum of punts, between any two bursts.
struct WalkCounters {
  Counter received;
  Counter originated;
  Counter resumed;
  Counter transmitted;
  Counter dropped;
  std::array<Counter, kPunts> punts;
  DropCounters drops_without_peer;
};

// One peer's, of one worker, one direction.
struct PeerCounters {
  Counter packets;       // inner packets that went through
  Counter bytes;         // their bytes
  Counter tunnel_bytes;  // WireGuard messages, keepalives included
  DropCounters drops;
};

}  // namespace isthmus::pipeline
