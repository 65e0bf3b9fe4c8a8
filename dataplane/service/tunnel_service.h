#pragma once
// Runs the Tunnel: gives it messages, time and a way out.

#include <string>

#include "dataplane/service/data_plane.h"
#include "dataplane/service/underlay.h"
#include "dataplane/service/waiting_room.h"
#include "tunnel/aead.h"
#include "tunnel/tunnel.h"

namespace isthmus::service {

class TunnelService final : public tunnel::TunnelHost {
 public:
  TunnelService(DataPlane& plane, Underlay& underlay, WaitingRoom& waiting);

  tunnel::Tunnel& tunnel() { return tunnel_; }
  const tunnel::Tunnel& tunnel() const { return tunnel_; }

  // A handshake message as decapsulate left it.
  void receive(const Packet& message);

  // The lanes of a peer that sends shall all be up, whichever of them its flows take.
  void keep_lanes_up();

  void send(LaneId lane, const Endpoint& destination, std::span<const std::uint8_t> message) override;
  void send_keepalive(LaneId lane, tunnel::Session& session) override;
  void endpoint_changed(LaneId lane, const Endpoint& endpoint) override;
  void session_ready(LaneId lane) override;
  void session_failed(LaneId lane) override;
  void usable_changed(LaneId lane, bool usable) override;
  void arrivals(LaneId lane, const tunnel::ArrivalNews& news) override;
  void retire(std::unique_ptr<tunnel::Session> session) override;
  void fill_random(std::span<std::uint8_t> bytes) override;

 private:
  std::string in_words(LaneId lane) const;

  DataPlane& plane_;
  Underlay& underlay_;
  WaitingRoom& waiting_;
  std::unique_ptr<tunnel::BurstAead> aead_;
  tunnel::Tunnel tunnel_;
};

}  // namespace isthmus::service
