#pragma once
// Counters and states as the API tells them. Reads what workers write; never stops them.

#include "dataplane/config/api.h"
#include "dataplane/service/data_plane.h"
#include "dataplane/service/next_hop_source.h"
#include "dataplane/service/waiting_room.h"
#include "tunnel/tunnel.h"

namespace isthmus::service {

struct StatusSource {
  const config::ValidatedConfig* config = nullptr;  // nullptr: nothing applied yet
  const NextHopSource* cluster = nullptr;
  const NextHopSource* underlay = nullptr;
  std::uint64_t generation = 0;
  std::int64_t started_seconds = 0;
};

config::Status collect_status(DataPlane& plane, const WaitingRoom& waiting, const tunnel::Tunnel& tunnel,
                              const StatusSource& source);

config::TraceStep in_words(const pipeline::TraceRecord& record);

}  // namespace isthmus::service
