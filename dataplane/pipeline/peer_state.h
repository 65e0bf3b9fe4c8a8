#pragma once
// What lives with a peer and survives every reload: its tunnel, its way through the underlay, its counters.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/packet/address.h"
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/counters.h"
#include "dataplane/pipeline/outer_header.h"
#include "tunnel/peer_link.h"

namespace isthmus::pipeline {

inline constexpr std::size_t kMaxPeers = 4096;  // of one configuration
// A configuration may replace all peers of another one whose places still wait for the workers to let go of them.
inline constexpr std::size_t kPeerPlaces = 2 * kMaxPeers;

// An IPv4 endpoint in one word, so that a worker compares and reads it whole.
constexpr std::uint64_t pack_endpoint(Ipv4Address address, std::uint16_t port) {
  return std::uint64_t{address.value} << 16 | port;
}

struct PeerState {
  explicit PeerState(std::size_t workers) : counters(workers) {}
  PeerState(const PeerState&) = delete;
  PeerState& operator=(const PeerState&) = delete;
  ~PeerState() { delete outer.load(std::memory_order_relaxed); }

  tunnel::PeerLink link;

  // Service: w, workers: r. nullptr: no endpoint known, or its next hop not resolved.
  std::atomic<const OuterHeader*> outer{nullptr};
  // Service: w, workers: r. Where the peer was last heard, as pack_endpoint; 0: unknown. A data message from elsewhere
  // means that the peer has roamed.
  std::atomic<std::uint64_t> endpoint{0};

  // [worker][direction]; that worker: w, anyone: r.
  std::vector<std::array<PeerCounters, kDirections>> counters;
};

// Service thread: w; workers: r. A place is filled before tables that name it are published, and emptied after the
// last worker has let go of tables and sessions that name it.
using PeerStates = std::vector<std::unique_ptr<PeerState>>;  // kPeerPlaces, never resized

}  // namespace isthmus::pipeline
