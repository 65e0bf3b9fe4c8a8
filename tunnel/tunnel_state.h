#pragma once
// Behind Tunnel. tunnel.cc holds the peers and the clock's part, tunnel_receive.cc what messages do.

#include <map>
#include <unordered_map>
#include <vector>

#include "tunnel/peer.h"

namespace isthmus::tunnel {

struct Tunnel::State {
  // Keys are random already; an outsider cannot choose a peer's.
  struct KeyHash {
    std::size_t operator()(const PublicKey& key) const;
  };
  // A static key that peers are known by.
  struct KnownKey {
    std::vector<Peer*> peers;  // its lanes; while keys are rotated, those too that are to lose it
    Timestamp newest{};        // of the initiations to all of them
  };
  struct Awaited {  // whose initiation a response would answer
    Peer* peer;
    Pairing* pairing;
  };

  State(TunnelHost& runner, SessionTable& sessions) : host(runner), table(sessions) {}

  void count(HandshakeEvent event) { ++counts[static_cast<std::size_t>(event)]; }
  Peer* find(LaneId lane) const;
  Peer& get(LaneId lane) const;
  std::uint32_t random_number();
  SecretKey random_key();

  // Handshakes
  void begin_attempt(Peer& peer, const Now& now);
  void begin_attempt(Peer& peer, Pairing& pairing, const Now& now);
  void send_initiation(Peer& peer, Pairing& pairing, const Now& now);
  void abandon_handshake(Pairing& pairing);
  void send(Peer& peer, Pairing& pairing, const Endpoint& destination, std::span<const std::uint8_t> message,
            Instant now);
  void completed(Peer& peer, Pairing& pairing, bool was_ready, const Now& now);
  void confirm(Peer& peer, Pairing& pairing, std::uint32_t local_index, const Now& now);
  void report_usable(Peer& peer, Instant now);

  // Keys
  std::unique_ptr<Pairing> make_pairing(Peer& peer);
  void renew_pairing(Peer& peer);
  void promote_successor(Peer& peer, Instant now);
  void leave(Peer& peer, std::unique_ptr<Pairing>& pairing);
  void forget(std::unique_ptr<Pairing>& pairing);
  void know_key(Peer& peer, const PublicKey& key);
  void forget_unused_keys(Peer& peer, const PublicKey& key);
  void forget_key(Peer& peer, const PublicKey& key);
  void forget_unused_identities();

  // Peers
  void set_endpoint(Peer& peer, const Endpoint& endpoint);
  void tick(Peer& peer, const Now& now);
  void tick(Peer& peer, Pairing& pairing, const Now& now);
  void give_up(Peer& peer, Pairing& pairing, const Now& now);

  // Messages, in the order of the checks
  void receive(std::span<const std::uint8_t> message, const Endpoint& source, std::uint32_t number, const Now& now);
  Identity* find_identity(std::span<const std::uint8_t> message);
  void receive_initiation(const MessageInitiation& message, Identity& own, const Endpoint& source, std::uint32_t number,
                          const Now& now);
  Awaited find_initiator(const Identity& own, const PublicKey& remote_static, std::uint32_t number);
  void respond(Peer& peer, Pairing& pairing, const ResponderHandshake& handshake, const Endpoint& source,
               const Now& now);
  void receive_response(const MessageResponse& message, const Endpoint& source, std::uint32_t number, const Now& now);
  void receive_cookie_reply(const MessageCookieReply& message, std::uint32_t number, Instant now);
  void authenticated(Peer& peer, Pairing& pairing, std::size_t bytes, Instant now);

  TunnelHost& host;
  SessionTable& table;
  std::vector<std::shared_ptr<Identity>> identities;  // the newest first, then those that pairings still have
  HandshakeCounts counts{};
  std::map<LaneId, std::unique_ptr<Peer>> peers;
  std::unordered_map<PublicKey, KnownKey, KeyHash> by_key;
  std::unordered_map<std::uint32_t, Awaited> initiations;  // by the local index of an initiation on its way
};

}  // namespace isthmus::tunnel
