#pragma once
// A network port as a walk sees it. dataplane/io implements it over DPDK, tests over memory.

#include "dataplane/packet/packet.h"

namespace isthmus::pipeline {

// One worker's queues of one port.
class Port {
 public:
  virtual ~Port() = default;
  // Adds up to kBurst packets to an empty burst: whole frames that own their memory.
  virtual void receive(PacketBurst& burst) = 0;
  // Sends the packets that still walk, in order, and takes their memory (packet.buffer becomes nullptr). What the port
  // does not take gets DropReason::kTransmitFull and keeps its memory. Returns how many went.
  virtual std::size_t transmit(PacketBurst& burst) = 0;
};

}  // namespace isthmus::pipeline
