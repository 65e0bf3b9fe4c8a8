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

struct PeerState {
  explicit PeerState(std::size_t workers) : counters(workers) {}
  PeerState(const PeerState&) = delete;
  PeerState& operator=(const PeerState&) = delete;
  ~PeerState() { delete outer.load(std::memory_order_relaxed); }

  tunnel::PeerLink link;

  // Service: w, workers: r. nullptr: no endpoint known, or its next hop not resolved. A data message from elsewhere
  // than its destination means that the peer has roamed.
  std::atomic<const OuterHeader*> outer{nullptr};

  // [worker][direction]; that worker: w, anyone: r.
  std::vector<std::array<PeerCounters, kDirections>> counters;
};

// Service thread: w; workers: r. A place is filled before tables that name it are published, and emptied after the
// last worker has let go of tables and sessions that name it.
using PeerStates = std::vector<std::unique_ptr<PeerState>>;  // kPeerPlaces, never resized

}  // namespace isthmus::pipeline
