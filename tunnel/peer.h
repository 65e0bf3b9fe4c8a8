#pragma once
// All that a Tunnel keeps about one peer.

#include <optional>

#include "tunnel/cookie.h"
#include "tunnel/handshake.h"
#include "tunnel/key_slots.h"
#include "tunnel/peer_timers.h"
#include "tunnel/tunnel.h"

namespace isthmus::tunnel {

struct Peer {
  Peer(PeerIndex place, const PeerSettings& wanted, PeerLink& shared, TunnelHost& host, SessionTable& table)
      : index(place), settings(wanted), link(shared), cookies(wanted.public_key), slots(host, table, shared) {}

  const PeerIndex index;
  PeerSettings settings;
  PeerLink& link;

  std::optional<Endpoint> endpoint;             // configured or learned
  std::optional<RemoteIdentity> remote;         // none as long as we have no identity ourselves
  std::optional<InitiatorHandshake> handshake;  // our initiation on its way
  CookieJar cookies;
  KeySlots slots;
  PeerTimers timers;
  bool wants_handshake = false;  // from the next tick on

  Timestamp timestamp_sent{};      // of our newest initiation
  Timestamp timestamp_received{};  // of the peer's newest initiation: an older one is a replay
  Instant initiation_received = kNever;

  std::optional<WallTime> last_handshake;
  std::uint64_t handshake_bytes_sent = 0;
  std::uint64_t handshake_bytes_received = 0;
};

}  // namespace isthmus::tunnel
