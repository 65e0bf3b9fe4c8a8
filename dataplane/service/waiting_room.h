#pragma once
// Where packets wait for a session or a neighbour, and from where they walk on or die.

#include "dataplane/pipeline/mailbox.h"
#include "dataplane/service/data_plane.h"
#include "dataplane/service/held_packets.h"

namespace isthmus::service {

class WaitingRoom {
 public:
  explicit WaitingRoom(DataPlane& plane) : plane_(plane) {}

  // Takes the packet over, until what it waits for comes or its patience ends.
  void hold(const HeldFor& for_what, const pipeline::ToService& item, Instant now);
  // What they waited for is there: they walk on.
  void resume(const HeldFor& for_what);
  // It will not come.
  void give_up(const HeldFor& for_what, DropReason reason);
  void expire(Instant now);
  // The peer is leaving: nothing waits for or because of it any more.
  void forget(PeerIndex peer);
  // Walks on what waits for a next hop that `next_hops` knows.
  void neighbours_changed(const pipeline::NextHops& next_hops);
  std::size_t held_for(PeerIndex peer) const { return held_.held_for_peer(peer); }
  // Drops that belong to no peer.
  std::uint64_t dropped_without_peer(pipeline::Direction direction, DropReason reason) const {
    return drops_[static_cast<std::size_t>(direction)][static_cast<std::size_t>(reason)];
  }

 private:
  void die(HeldPacket& held, DropReason reason);

  DataPlane& plane_;
  HeldPackets held_;
  std::array<std::uint64_t, kDropReasons> drops_[pipeline::kDirections] = {};
};

}  // namespace isthmus::service
