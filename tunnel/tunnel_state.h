#pragma once
// Behind Tunnel. tunnel.cc holds the peers and the clock's part, tunnel_receive.cc what messages do.

#include <unordered_map>
#include <vector>

#include "tunnel/peer.h"

namespace isthmus::tunnel {

struct Tunnel::State {
  // Keys are random already; an outsider cannot choose a peer's.
  struct KeyHash {
    std::size_t operator()(const PublicKey& key) const;
  };

  State(TunnelHost& runner, SessionTable& sessions) : host(runner), table(sessions) {}

  void count(HandshakeEvent event) { ++counts[static_cast<std::size_t>(event)]; }
  Peer* find(PeerIndex index) const;
  Peer& get(PeerIndex index) const;
  std::uint32_t random_number();
  SecretKey random_key();

  // Handshakes
  void begin_attempt(Peer& peer, const Now& now);
  void send_initiation(Peer& peer, const Now& now);
  void abandon_handshake(Peer& peer);
  void send(Peer& peer, std::span<const std::uint8_t> message, Instant now);
  void completed(Peer& peer, bool was_ready, const Now& now);
  void confirm(Peer& peer, std::uint32_t local_index, const Now& now);

  // Peers
  void adopt_keys(Peer& peer);
  void forget_keys(Peer& peer);
  void set_endpoint(Peer& peer, const Endpoint& endpoint);
  void tick(Peer& peer, const Now& now);
  void give_up(Peer& peer, const Now& now);

  // Messages, in the order of the checks
  void receive(std::span<const std::uint8_t> message, const Endpoint& source, const Now& now);
  bool verify_macs(std::span<const std::uint8_t> message, std::uint32_t sender_index, const Endpoint& source,
                   Instant now);
  void receive_initiation(const MessageInitiation& message, const Endpoint& source, const Now& now);
  void respond(Peer& peer, const ResponderHandshake& handshake, const Now& now);
  void receive_response(const MessageResponse& message, const Endpoint& source, const Now& now);
  void receive_cookie_reply(const MessageCookieReply& message, Instant now);
  void authenticated(Peer& peer, std::size_t bytes, const Endpoint& source, Instant now);

  TunnelHost& host;
  SessionTable& table;
  PublicKey public_key{};
  std::optional<X25519Key> identity;
  std::optional<CookieChecker> checker;  // stands with identity
  bool under_load = false;
  HandshakeCounts counts{};
  std::vector<std::unique_ptr<Peer>> peers;  // by PeerIndex
  std::unordered_map<PublicKey, Peer*, KeyHash> by_key;
  std::unordered_map<std::uint32_t, Peer*> initiations;  // by the local index of an initiation on its way
};

}  // namespace isthmus::tunnel
