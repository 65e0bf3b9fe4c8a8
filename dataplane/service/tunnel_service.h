#pragma once
// Runs the Tunnel: gives it messages, time and a way out.

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

  void send(PeerIndex peer, const Endpoint& destination, std::span<const std::uint8_t> message) override;
  void send_keepalive(PeerIndex peer, tunnel::Session& session) override;
  void endpoint_changed(PeerIndex peer, const Endpoint& endpoint) override;
  void session_ready(PeerIndex peer) override;
  void session_failed(PeerIndex peer) override;
  void retire(std::unique_ptr<tunnel::Session> session) override;
  void fill_random(std::span<std::uint8_t> bytes) override;

 private:
  DataPlane& plane_;
  Underlay& underlay_;
  WaitingRoom& waiting_;
  std::unique_ptr<tunnel::BurstAead> aead_;
  tunnel::Tunnel tunnel_;
};

}  // namespace isthmus::service
