#pragma once
// What all parts of the service thread work on.

#include <functional>

#include "dataplane/pipeline/walker.h"
#include "dataplane/service/forwarder.h"
#include "dataplane/service/peer_registry.h"
#include "tunnel/tunnel.h"

namespace isthmus::service {

struct DataPlane {
  // Up to four sessions and a handshake for each of kMaxPeers (session_table.h), with room to spare: for lanes, and for
  // twice as much while keys are rotated.
  static constexpr std::size_t kSessions = 16 * pipeline::kPeerPlaces;

  DataPlane(Forwarder& packet_mover, std::function<tunnel::Now()> clock)
      : forwarder(packet_mover), now(std::move(clock)), shared(kSessions) {}

  Forwarder& forwarder;
  const std::function<tunnel::Now()> now;
  pipeline::Shared shared;
  PeerRegistry registry;

  pipeline::PeerState& state(PeerIndex peer) { return *shared.peers[static_cast<std::size_t>(peer)]; }
  // Frames and packets of the service thread's go through the first worker.
  pipeline::Mailbox& mailbox() { return forwarder.walkers().front()->mailbox; }
  pipeline::LaneState& state(LaneId lane) { return pipeline::lane_state(shared.peers, lane); }
  // Hands `item` to the worker, or frees its packet when the worker has no room.
  bool to_worker(pipeline::ToWorker& item) {
    if (mailbox().to_worker(item)) return true;
    forwarder.pool().release(item.packet);
    return false;
  }
};

}  // namespace isthmus::service
