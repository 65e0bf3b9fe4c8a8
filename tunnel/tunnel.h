#pragma once
// All handshakes, key slots and timers of all peers: WireGuard without I/O and without a clock. The service thread owns
// one Tunnel; workers never touch it. They share PeerLink, Session and SessionTable with it.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/packet/address.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/time.h"
#include "tunnel/keys.h"
#include "tunnel/peer_link.h"
#include "tunnel/session.h"
#include "tunnel/session_table.h"
#include "tunnel/timestamp.h"
#include "tunnel/wire.h"

namespace isthmus::tunnel {

// What "now" is, for everything that needs both clocks.
struct Now {
  Instant instant;
  WallTime wall;
};

struct PeerSettings {
  PublicKey public_key{};
  SecretKey preshared_key;           // all zero: none
  std::optional<Endpoint> endpoint;  // configured; a peer without one can only initiate to us
  Duration persistent_keepalive{0};  // 0: off
  // Handshake as soon as the peer is added, without waiting for traffic: after a restart the other side still uses
  // keys that we no longer have, and only our initiation tells it.
  bool initiate_at_once = true;
};

// Results of handshake messages, counted per gateway. to_string gives the metrics' label value.
enum class HandshakeEvent : std::uint8_t {
  kInitiationSent,
  kInitiationReceived,  // well-formed, authentic, fresh: a response was sent
  kResponseSent,
  kResponseReceived,
  kCompleted,  // a session stands and may send
  kCookieSent,
  kCookieReceived,
  kAttemptsExhausted,  // no answer for kRekeyAttemptTime
  kRefusedMalformed,
  kRefusedMac1,
  kRefusedMac2,
  kRefusedUnknownPeer,
  kRefusedDecryption,
  kRefusedReplayedTimestamp,
  kRefusedFlood,         // initiations of one peer faster than one in 20 ms
  kRefusedUnknownIndex,  // response or cookie for no handshake of ours
  kRefusedTableFull,
  kCount,
};
std::string_view to_string(HandshakeEvent event);
using HandshakeCounts = std::array<std::uint64_t, static_cast<std::size_t>(HandshakeEvent::kCount)>;

// What the Tunnel asks of whoever runs it. Called from within the Tunnel's own functions, on the same thread.
// They must not add, change or remove peers.
class TunnelHost {
 public:
  virtual ~TunnelHost() = default;
  // Sends a handshake message as the payload of one UDP datagram. peer is kNoPeer for a cookie reply: who asked is not
  // known before its cookie has come back.
  virtual void send(PeerIndex peer, const Endpoint& destination, std::span<const std::uint8_t> message) = 0;
  // Seals and sends an empty data message over `session`.
  virtual void send_keepalive(PeerIndex peer, Session& session) = 0;
  // The peer's authenticated endpoint is this from now on: configured, or learned by roaming (section 2.1).
  // Outer headers have to be rebuilt.
  virtual void endpoint_changed(PeerIndex peer, const Endpoint& endpoint) = 0;
  // link.sending went from nullptr to a session: packets that wait may go.
  virtual void session_ready(PeerIndex peer) = 0;
  // No handshake succeeded for kRekeyAttemptTime: packets that wait have no hope.
  virtual void session_failed(PeerIndex peer) = 0;
  // Not in any table any more; to be freed when no worker can hold it.
  virtual void retire(std::unique_ptr<Session> session) = 0;
  virtual void fill_random(std::span<std::uint8_t> bytes) = 0;
};

struct PeerView {  // for status
  PublicKey public_key{};
  std::optional<Endpoint> endpoint;
  std::optional<WallTime> last_handshake;  // when the newest session was agreed
  bool has_session = false;
  std::optional<Instant> attempting_since;  // an attempt to agree on a session runs, and nothing came of it yet
  std::uint64_t handshake_bytes_sent = 0;   // WireGuard's byte counters include handshakes
  std::uint64_t handshake_bytes_received = 0;
};

class Tunnel {
 public:
  // Both outlive the Tunnel.
  Tunnel(TunnelHost& host, SessionTable& sessions);
  // Frees the sessions itself, without the host: the workers have stopped by now.
  ~Tunnel();

  // A new identity ends every session of the old one.
  void set_identity(const SecretKey& private_key);
  const PublicKey& public_key() const;

  // `link` outlives the peer. update_peer keeps sessions and learned endpoint as long as the keys stay the same; a
  // configured endpoint that changed replaces the learned one.
  void add_peer(PeerIndex peer, const PeerSettings& settings, PeerLink& link, const Now& now);
  void update_peer(PeerIndex peer, const PeerSettings& settings, const Now& now);
  void remove_peer(PeerIndex peer);

  // A message of type 1 to 3, as received from `source`. Counts it, answers it or is silent.
  void receive(std::span<const std::uint8_t> message, const Endpoint& source, const Now& now);
  // A packet for this peer found no session.
  void want_session(PeerIndex peer, const Now& now);
  // The first data message of the session with this local index was authenticated.
  void confirm(std::uint32_t local_index, const Now& now);
  // A data message was authenticated that came from `source`, not from the endpoint in use.
  void roam(PeerIndex peer, const Endpoint& source);
  // Timers of all peers; to be called every 100 ms or so.
  void tick(const Now& now);
  // Above this many handshake messages a second, unproven senders get a cookie instead of an answer (section 5.3).
  void set_under_load(bool under_load);

  PeerView view(PeerIndex peer) const;
  const HandshakeCounts& counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace isthmus::tunnel
