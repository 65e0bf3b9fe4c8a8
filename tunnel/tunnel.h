#pragma once
// All handshakes, key slots and timers of all peers: WireGuard without I/O and without a clock. The service thread owns
// one Tunnel; workers never touch it. They share PeerLink, Session and SessionTable with it.
//
// To WireGuard each lane is a peer of its own, with its own UDP ports, sessions and timers: on this floor "a peer" is
// one lane. Lanes of one peer have the same keys, so it is the port of ours that tells them apart.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/packet/address.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/time.h"
#include "tunnel/arrivals.h"
#include "tunnel/cookie.h"
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
  kCookieReceived,
  kAttemptsExhausted,  // no answer for kRekeyAttemptTime
  kRefusedMalformed,
  kRefusedMac1,
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
  // Sends a handshake message as the payload of one UDP datagram, from the lane's port.
  virtual void send(LaneId lane, const Endpoint& destination, std::span<const std::uint8_t> message) = 0;
  // Seals and sends an empty data message over `session`.
  virtual void send_keepalive(LaneId lane, Session& session) = 0;
  // The lane's authenticated endpoint is this from now on: configured, or learned by roaming (section 2.1).
  // Outer headers have to be rebuilt.
  virtual void endpoint_changed(LaneId lane, const Endpoint& endpoint) = 0;
  // link.sending went from nullptr to a session: packets that wait may go.
  virtual void session_ready(LaneId lane) = 0;
  // No handshake succeeded for kRekeyAttemptTime: packets that wait have no hope.
  virtual void session_failed(LaneId lane) = 0;
  // Whether there is a session that the other side still answers for. A lane that is not usable has none, or has tried
  // for two times kRekeyTimeout to replace it.
  virtual void usable_changed(LaneId lane, bool usable) = 0;
  // What a look at one of the lane's sessions has shown.
  virtual void arrivals(LaneId lane, const ArrivalNews& news) = 0;
  // Not in any table any more; to be freed when no worker can hold it. Then its arrivals can be concluded.
  virtual void retire(std::unique_ptr<Session> session) = 0;
  virtual void fill_random(std::span<std::uint8_t> bytes) = 0;
};

struct PeerView {  // for status
  PublicKey public_key{};
  std::optional<Endpoint> endpoint;
  std::optional<WallTime> last_handshake;  // when the newest session was agreed
  bool has_session = false;
  bool rotating = false;                    // new keys wait for their first session, the old ones still serve
  std::optional<Instant> attempting_since;  // an attempt to agree on a session runs, and nothing came of it yet
  std::uint64_t handshake_bytes_sent = 0;   // WireGuard's byte counters include handshakes
  std::uint64_t handshake_bytes_received = 0;
  std::size_t memory_bytes = 0;  // keys, timers and sessions
};

class Tunnel {
 public:
  // Both outlive the Tunnel.
  Tunnel(TunnelHost& host, SessionTable& sessions);
  // Frees the sessions itself, without the host: the workers have stopped by now.
  ~Tunnel();

  // Our static key. A new one lets the old one serve each peer until that peer has agreed on a session with the new
  // one.
  void set_identity(const SecretKey& private_key);
  const PublicKey& public_key() const;

  // `link` outlives the peer. update_peer keeps sessions and learned endpoint; old keys serve until the new ones have
  // agreed on a session (peer.h). A configured endpoint that changed replaces the learned one.
  void add_peer(LaneId lane, const PeerSettings& settings, PeerLink& link, const Now& now);
  void update_peer(LaneId lane, const PeerSettings& settings, const Now& now);
  void remove_peer(LaneId lane);
  bool has_peer(LaneId lane) const;

  // A message of type 1 to 3 that a HandshakeGate has admitted, as received from `source` at the port of lanes
  // `number`. Counts it, answers it or is silent.
  void receive(std::span<const std::uint8_t> message, const Endpoint& source, std::uint32_t number, const Now& now);
  // A packet for this peer found no session.
  void want_session(LaneId lane, const Now& now);
  // The first data message of the session with this local index was authenticated.
  void confirm(std::uint32_t local_index, const Now& now);
  // A data message was authenticated that came from `source`, not from the endpoint in use.
  void roam(LaneId lane, const Endpoint& source);
  // Timers of all peers; to be called every 100 ms or so.
  void tick(const Now& now);
  // What a HandshakeGate needs: one for each static key that peers may address us by, its secret no older than two
  // minutes. To be asked for whenever keys may have changed.
  std::vector<CookieChecker> checkers(Instant now);

  PeerView view(LaneId lane) const;
  const HandshakeCounts& counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace isthmus::tunnel
