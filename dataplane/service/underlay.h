#pragma once
// The way to each peer's endpoint: outer headers for the workers, and the sending of handshake messages.

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/service/data_plane.h"
#include "dataplane/service/next_hop_source.h"

namespace isthmus::service {

class Underlay {
 public:
  explicit Underlay(DataPlane& plane) : plane_(plane) {}

  // `next_hops` outlives this object or is replaced by another call.
  void use(NextHopSource& next_hops, const std::vector<std::uint16_t>& listen_ports);

  // Sends `message` as one datagram from the lane's port. While the next hop's MAC is unknown, the lane's latest
  // message waits for it.
  void send(LaneId lane, const Endpoint& destination, std::span<const std::uint8_t> message);
  void endpoint_changed(LaneId lane, const Endpoint& endpoint);
  // Publishes the port's addresses anew, and every outer header that changed with them.
  void next_hops_changed();
  void forget(LaneId lane);

 private:
  void rebuild(LaneId lane);
  void next_hops_changed(LaneId lane);

  DataPlane& plane_;
  NextHopSource* next_hops_ = nullptr;
  std::vector<std::uint16_t> listen_ports_;
  std::uint16_t identification_ = 0;
};

}  // namespace isthmus::service
