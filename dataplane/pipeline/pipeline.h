#pragma once
// The two walks. pipeline.cc is the place to start reading this gateway.

#include <span>
#include <string_view>

#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/walker.h"

namespace isthmus::pipeline {

// One step of a walk: does its work on every packet of the burst that still walks.
struct Stage {
  std::string_view name;
  void (*run)(Walker& walker, PacketBurst& burst);
};

// Cluster to peer: from frames of the cluster port to frames for the underlay port.
std::span<const Stage> outbound();
// Peer to cluster: from frames of the underlay port to frames for the cluster port.
std::span<const Stage> inbound();
// The gateway's own ICMP errors (walker.replies) to frames for the cluster port.
std::span<const Stage> reply();

// Walks `burst` through `stages`, from the one named `first` on if given.
void walk(Walker& walker, PacketBurst& burst, std::span<const Stage> stages, std::string_view first = {});

}  // namespace isthmus::pipeline
