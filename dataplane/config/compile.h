#pragma once
// ValidatedConfig -> ForwardingTables. Pure: equal configurations make equal tables.

#include "dataplane/config/validated_config.h"
#include "dataplane/pipeline/forwarding_tables.h"

namespace isthmus::config {

// indexes[i] is the place of config.peers[i]; the caller keeps a peer's index stable across generations.
pipeline::ForwardingTables compile(const ValidatedConfig& config, std::span<const PeerIndex> indexes);

}  // namespace isthmus::config
