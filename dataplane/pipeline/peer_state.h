#pragma once
// What lives with a peer and survives every reload: its lanes, their ways through the underlay, its counters.

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

struct alignas(64) LaneState {
  LaneState() = default;
  LaneState(const LaneState&) = delete;
  LaneState& operator=(const LaneState&) = delete;
  ~LaneState() { delete outer.load(std::memory_order_relaxed); }

  tunnel::PeerLink link;

  // Service: w, workers: r. nullptr: no endpoint known, or its next hop not resolved. A data message from elsewhere
  // than its destination means that the peer has roamed.
  std::atomic<const OuterHeader*> outer{nullptr};
};
static_assert(sizeof(LaneState) == 64);

struct PeerState {
  explicit PeerState(std::size_t workers) : counters(workers) {}
  PeerState(const PeerState&) = delete;
  PeerState& operator=(const PeerState&) = delete;

  // All that a peer may ever have: a reload that gives it more of them moves nothing that a worker looks at.
  std::array<LaneState, kMaxLanes> lanes;
  // Service: w, workers: r. A bit for each lane that flows may use.
  std::atomic<std::uint64_t> usable_lanes{0};

  // [worker][direction]; that worker: w, anyone: r.
  std::vector<std::array<PeerCounters, kDirections>> counters;
};

// Service thread: w; workers: r. A place is filled before tables that name it are published, and emptied after the
// last worker has let go of tables and sessions that name it.
using PeerStates = std::vector<std::unique_ptr<PeerState>>;  // kPeerPlaces, never resized

inline LaneState& lane_state(const PeerStates& peers, LaneId lane) {
  return peers[static_cast<std::size_t>(lane.peer)]->lanes[lane.number];
}

}  // namespace isthmus::pipeline
