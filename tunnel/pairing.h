#pragma once
// A static key of ours and one of a peer's: what handshakes are made with, and the sessions that came of them.

#include <memory>
#include <optional>

#include "tunnel/cookie.h"
#include "tunnel/handshake.h"
#include "tunnel/identity.h"
#include "tunnel/key_slots.h"
#include "tunnel/peer_timers.h"

namespace isthmus::tunnel {

// The newest initiation of one static key: an older one is a replay, one that comes too soon a flood.
struct NewestInitiation {
  Timestamp timestamp{};
  Instant received = kNever;
};

struct Pairing {
  Pairing(std::shared_ptr<Identity> ours, const PublicKey& theirs, const SecretKey& preshared_key, TunnelHost& host,
          SessionTable& table, PeerLink& link)
      : own(std::move(ours)),
        remote(prepare_remote(own->key, theirs, preshared_key)),
        cookies(theirs),
        slots(host, table, link) {}

  bool same_keys(const Pairing& other) const {
    return own == other.own && remote.static_public == other.remote.static_public &&
           remote.preshared_key == other.remote.preshared_key;
  }

  const std::shared_ptr<Identity> own;
  const RemoteIdentity remote;
  std::optional<InitiatorHandshake> handshake;  // our initiation on its way
  CookieJar cookies;
  KeySlots slots;
  PeerTimers timers;
  bool wants_handshake = false;  // from the next tick on

  // Shared with the pairing that this one replaces, if that has the same key of the peer's.
  std::shared_ptr<NewestInitiation> newest = std::make_shared<NewestInitiation>();
  bool agreed = false;  // there was a session
};

}  // namespace isthmus::tunnel
