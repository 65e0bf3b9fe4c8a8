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

// Most peers have one lane, and thousands of peers share a few thousand TLB entries: so the first lane stands here, and
// the others' memory is there only for a peer that has had more than one.
class PeerState {
 public:
  explicit PeerState(std::size_t workers) : counters(workers) {}
  PeerState(const PeerState&) = delete;
  PeerState& operator=(const PeerState&) = delete;

  // Service thread, before workers may come upon lanes beyond the first. All that a peer may ever have at once: a
  // reload that gives it more of them moves nothing that a worker looks at.
  void make_lanes(std::size_t count) {
    if (count > 1 && !further_lanes_) further_lanes_ = std::make_unique<FurtherLanes>();
  }
  LaneState& lane(std::uint32_t number) { return number == 0 ? first_lane_ : (*further_lanes_)[number - 1]; }
  std::size_t memory_bytes() const {
    return sizeof(PeerState) + (further_lanes_ ? sizeof(FurtherLanes) : 0) + counters.size() * sizeof(counters[0]);
  }

 private:
  using FurtherLanes = std::array<LaneState, kMaxLanes - 1>;
  LaneState first_lane_;
  std::unique_ptr<FurtherLanes> further_lanes_;

 public:
  // Service: w, workers: r. A bit for each lane that flows may use.
  std::atomic<std::uint64_t> usable_lanes{0};

  // [worker][direction]; that worker: w, anyone: r.
  std::vector<std::array<PeerCounters, kDirections>> counters;
};

// Service thread: w; workers: r. A place is filled before tables that name it are published, and emptied after the
// last worker has let go of tables and sessions that name it.
using PeerStates = std::vector<std::unique_ptr<PeerState>>;  // kPeerPlaces, never resized

inline LaneState& lane_state(const PeerStates& peers, LaneId lane) {
  return peers[static_cast<std::size_t>(lane.peer)]->lane(lane.number);
}

}  // namespace isthmus::pipeline
