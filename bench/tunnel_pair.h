#pragma once
// Tunnels for benchmarks: what one sends, the benchmark carries to another.

#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "tunnel/tunnel.h"

namespace isthmus::bench {

class CarriedTunnel final : public tunnel::TunnelHost {
 public:
  struct Sent {
    LaneId lane;
    std::vector<std::uint8_t> bytes;
  };

  CarriedTunnel(std::uint32_t key_number, tunnel::SessionTable& sessions)
      : random_(key_number), tunnel(*this, sessions) {
    fill_random(private_key.bytes);
    tunnel.set_identity(private_key);
  }
  CarriedTunnel(const CarriedTunnel&) = delete;
  CarriedTunnel& operator=(const CarriedTunnel&) = delete;
  ~CarriedTunnel() override = default;

  void add(PeerIndex peer, const tunnel::PublicKey& key, tunnel::PeerLink& link, const tunnel::Now& now) {
    tunnel::PeerSettings settings;
    settings.public_key = key;
    settings.endpoint = kEndpoint;
    settings.initiate_at_once = false;
    tunnel.add_peer({peer, 0}, settings, link, now);
  }
  void receive(const Sent& message, const tunnel::Now& now) { tunnel.receive(message.bytes, kEndpoint, 0, now); }
  Sent take() {
    Sent first = std::move(sent.front());
    sent.pop_front();
    return first;
  }

  void send(LaneId lane, const Endpoint&, std::span<const std::uint8_t> message) override {
    sent.push_back({lane, {message.begin(), message.end()}});
  }
  void send_keepalive(LaneId, tunnel::Session&) override {}
  void endpoint_changed(LaneId, const Endpoint&) override {}
  void session_ready(LaneId) override {}
  void session_failed(LaneId) override {}
  void usable_changed(LaneId, bool) override {}
  void arrivals(LaneId, const tunnel::ArrivalNews&) override {}
  void retire(std::unique_ptr<tunnel::Session> session) override { retired.push_back(std::move(session)); }
  void fill_random(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random_());
  }

  static constexpr Endpoint kEndpoint{Ipv4Address{0x0a000001}, 51820};

 private:
  std::mt19937_64 random_;

 public:
  tunnel::SecretKey private_key;
  std::deque<Sent> sent;
  std::vector<std::unique_ptr<tunnel::Session>> retired;
  tunnel::Tunnel tunnel;
};

// A clock that goes on by more than any rule of WireGuard's asks for between two handshakes.
inline void pass(tunnel::Now& now, Duration duration) {
  now.instant += duration;
  now.wall.seconds += static_cast<std::uint64_t>(duration / std::chrono::seconds(1));
}

}  // namespace isthmus::bench
