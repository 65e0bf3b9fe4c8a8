#pragma once
// Which peer has which place: a name keeps its PeerIndex, and with it its counters and sessions, across every reload.

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/config/validated_config.h"
#include "dataplane/pipeline/walker.h"
#include "dataplane/service/next_hop_source.h"
#include "tunnel/arrivals.h"

namespace isthmus::service {

// What the service thread keeps beside a LaneState.
struct LaneRecord {
  std::optional<Endpoint> endpoint;         // in use: configured or learned
  std::optional<NextHopSource::Path> path;  // what the published outer header was built from
  std::vector<std::uint8_t> pending;        // a handshake message that waits for the next hop's MAC
  std::optional<Endpoint> pending_to;
};

// What it keeps beside a PeerState.
struct PeerRecord {
  std::string name;
  config::PeerConfig config;
  std::vector<LaneRecord> lanes;                                              // as many as are configured
  std::uint64_t keepalive_bytes = 0;                                          // sealed by the service thread
  tunnel::ArrivalTotals arrivals;                                             // of all lanes, past sessions included
  std::array<std::uint64_t, kDropReasons> drops[pipeline::kDirections] = {};  // of held packets
};

class PeerRegistry {
 public:
  PeerRegistry() : places_(pipeline::kPeerPlaces) {}

  std::optional<PeerIndex> find(const std::string& name) const;
  // The place of this name, a new one if it has none. There must be a free place.
  PeerIndex claim(const std::string& name);
  std::size_t free_places() const;
  // Frees the place for another name: only when no worker can know it any more.
  void release(PeerIndex peer);
  // The name is gone from the configuration: its place stays taken until release.
  void forget(const std::string& name) { by_name_.erase(name); }

  PeerRecord& operator[](PeerIndex peer) { return *places_[static_cast<std::size_t>(peer)]; }
  const PeerRecord& operator[](PeerIndex peer) const { return *places_[static_cast<std::size_t>(peer)]; }
  bool known(PeerIndex peer) const {
    return static_cast<std::size_t>(peer) < places_.size() && places_[static_cast<std::size_t>(peer)] != nullptr;
  }
  LaneRecord& operator[](LaneId lane) { return (*this)[lane.peer].lanes[lane.number]; }
  bool known(LaneId lane) const { return known(lane.peer) && lane.number < (*this)[lane.peer].lanes.size(); }
  const std::map<std::string, PeerIndex>& names() const { return by_name_; }

 private:
  std::map<std::string, PeerIndex> by_name_;
  std::vector<std::unique_ptr<PeerRecord>> places_;
};

}  // namespace isthmus::service
