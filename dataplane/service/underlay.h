#pragma once
// The way to each peer's endpoint: outer headers for the workers, and the sending of handshake messages.

#include <cstdint>
#include <span>

#include "dataplane/service/data_plane.h"
#include "dataplane/service/next_hop_source.h"

namespace isthmus::service {

class Underlay {
 public:
  explicit Underlay(DataPlane& plane) : plane_(plane) {}

  // `next_hops` outlives this object or is replaced by another call.
  void use(NextHopSource& next_hops, std::uint16_t listen_port);

  // Sends `message` as one datagram. While the next hop's MAC is unknown, the peer's latest message waits for it.
  void send(PeerIndex peer, const Endpoint& destination, std::span<const std::uint8_t> message);
  void endpoint_changed(PeerIndex peer, const Endpoint& endpoint);
  // Publishes the port's addresses anew, and every outer header that changed with them.
  void next_hops_changed();
  void forget(PeerIndex peer);

 private:
  void rebuild(PeerIndex peer);
  std::optional<pipeline::OuterHeader> header_to(const Endpoint& destination);

  DataPlane& plane_;
  NextHopSource* next_hops_ = nullptr;
  std::uint16_t listen_port_ = 0;
  std::uint16_t identification_ = 0;
};

}  // namespace isthmus::service
