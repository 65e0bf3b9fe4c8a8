// How a peer comes to other keys without a gap (peer.h).

#include <algorithm>
#include <utility>

#include "tunnel/tunnel_state.h"

namespace isthmus::tunnel {

std::unique_ptr<Pairing> Tunnel::State::make_pairing(Peer& peer) {
  return std::make_unique<Pairing>(identities.front(), peer.settings.public_key, peer.settings.preshared_key, host,
                                   table, peer.link);
}

// Our static key, or what the settings say of the peer's, has changed.
void Tunnel::State::renew_pairing(Peer& peer) {
  if (identities.empty()) return;
  std::unique_ptr<Pairing> wanted = make_pairing(peer);
  if (!peer.pairing) {
    wanted->wants_handshake = peer.settings.initiate_at_once;
    peer.pairing = std::move(wanted);
    return;
  }
  if (peer.successor && wanted->same_keys(*peer.successor)) return;
  const bool attempting = peer.pairing->timers.attempting() || peer.successor;
  leave(peer, peer.successor);
  if (wanted->same_keys(*peer.pairing)) return;
  if (wanted->remote.static_public == peer.pairing->remote.static_public) wanted->newest = peer.pairing->newest;
  wanted->wants_handshake = attempting || peer.settings.initiate_at_once || peer.pairing->agreed;
  // Keys that never worked are not worth keeping.
  (peer.pairing->agreed ? peer.successor : peer.pairing).swap(wanted);
  forget(wanted);
}

void Tunnel::State::promote_successor(Peer& peer, Instant now) {
  const PublicKey old_key = peer.pairing->remote.static_public;
  leave(peer, peer.pairing);
  peer.left = now;
  peer.pairing = std::move(peer.successor);
  forget_unused_keys(peer, old_key);
}

// It begins nothing any more. But the other side may send with its sessions, even with one that has not been confirmed.
void Tunnel::State::leave(Peer& peer, std::unique_ptr<Pairing>& pairing) {
  if (!pairing || pairing->slots.newest() == kNever) return forget(pairing);
  abandon_handshake(*pairing);
  pairing->slots.only_receive();
  forget(peer.leaving);
  peer.leaving = std::move(pairing);
  peer.left = kNever;  // until the next tick: not everybody who changes keys has a clock
}

void Tunnel::State::forget(std::unique_ptr<Pairing>& pairing) {
  if (!pairing) return;
  abandon_handshake(*pairing);
  pairing->slots.clear();
  pairing.reset();
}

void Tunnel::State::know_key(Peer& peer, const PublicKey& key) {
  std::vector<Peer*>& known = by_key[key].peers;
  if (std::ranges::find(known, &peer) == known.end()) known.push_back(&peer);
}

// The peer may still be reached under `key` if it is what the settings want or what its pairing in use has.
void Tunnel::State::forget_unused_keys(Peer& peer, const PublicKey& key) {
  const bool in_use = peer.settings.public_key == key || (peer.pairing && peer.pairing->remote.static_public == key);
  if (!in_use) forget_key(peer, key);
}

void Tunnel::State::forget_key(Peer& peer, const PublicKey& key) {
  const auto known = by_key.find(key);
  if (known == by_key.end()) return;
  std::erase(known->second.peers, &peer);
  if (known->second.peers.empty()) by_key.erase(known);
}

void Tunnel::State::forget_unused_identities() {
  const auto unused = [this](const auto& identity) {
    return identity != identities.front() && identity.use_count() == 1;
  };
  std::erase_if(identities, unused);
}

}  // namespace isthmus::tunnel
