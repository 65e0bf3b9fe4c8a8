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
  bool shows_inner = false;  // afterwards `data` is at the inner IP header: what a trace can show
};

// Cluster to peer: from frames of the cluster port to frames for the underlay port.
std::span<const Stage> outbound();
// Peer to cluster: from frames of the underlay port to frames for the cluster port.
std::span<const Stage> inbound();

// Walks `burst` through the stages of one walk, from the one named `first` on if given.
void walk(Walker& walker, PacketBurst& burst, Direction direction, std::string_view first = {});

}  // namespace isthmus::pipeline
