#include "tunnel/tunnel.h"

#include <cassert>
#include <cstring>
#include <utility>

#include "tunnel/tunnel_state.h"

namespace isthmus::tunnel {

Tunnel::Tunnel(TunnelHost& host, SessionTable& sessions) : state_(std::make_unique<State>(host, sessions)) {}

Tunnel::~Tunnel() {
  for (const auto& peer : state_->peers) {
    if (peer) state_->abandon_handshake(*peer);
  }
}

void Tunnel::set_identity(const SecretKey& private_key) {
  State& state = *state_;
  X25519Key identity(private_key);
  if (state.identity && identity.public_key() == state.public_key) return;
  state.identity = std::move(identity);
  state.public_key = state.identity->public_key();
  state.checker.emplace(state.public_key);
  for (const auto& peer : state.peers) {
    if (!peer) continue;
    const bool again = peer->timers.attempting() || peer->settings.initiate_at_once;
    state.forget_keys(*peer);
    peer->remote = prepare_remote(*state.identity, peer->settings.public_key, peer->settings.preshared_key);
    peer->wants_handshake = again;  // at the next tick: here is no clock
  }
}

const PublicKey& Tunnel::public_key() const { return state_->public_key; }

void Tunnel::add_peer(PeerIndex index, const PeerSettings& settings, PeerLink& link, const Now& now) {
  State& state = *state_;
  const auto place = static_cast<std::size_t>(index);
  if (place >= state.peers.size()) state.peers.resize(place + 1);
  assert(!state.peers[place]);
  state.peers[place] = std::make_unique<Peer>(index, settings, link, state.host, state.table);
  state.adopt_keys(*state.peers[place]);
  if (settings.endpoint) state.set_endpoint(*state.peers[place], *settings.endpoint);
  if (settings.initiate_at_once) state.begin_attempt(*state.peers[place], now);
}

void Tunnel::update_peer(PeerIndex index, const PeerSettings& settings, const Now& now) {
  State& state = *state_;
  Peer& peer = state.get(index);
  const PeerSettings before = peer.settings;
  const bool new_key = settings.public_key != before.public_key;
  const bool new_secrets = new_key || settings.preshared_key != before.preshared_key;
  const bool again = peer.timers.attempting();
  peer.settings = settings;
  if (new_secrets) state.forget_keys(peer);
  if (new_key) {
    // All that was learned belongs to the old key's owner.
    const auto old = state.by_key.find(before.public_key);
    if (old != state.by_key.end() && old->second == &peer) state.by_key.erase(old);
    peer.cookies = CookieJar(settings.public_key);
    peer.timestamp_sent = peer.timestamp_received = {};
    peer.endpoint.reset();
  }
  if (new_secrets) state.adopt_keys(peer);
  if (settings.endpoint && (new_key || settings.endpoint != before.endpoint)) {
    state.set_endpoint(peer, *settings.endpoint);
  }
  if (again || (settings.initiate_at_once && peer.slots.sending() == nullptr)) state.begin_attempt(peer, now);
}

void Tunnel::remove_peer(PeerIndex index) {
  Peer& peer = state_->get(index);
  state_->forget_keys(peer);
  const auto named = state_->by_key.find(peer.settings.public_key);
  if (named != state_->by_key.end() && named->second == &peer) state_->by_key.erase(named);
  state_->peers[static_cast<std::size_t>(index)].reset();
}

void Tunnel::receive(std::span<const std::uint8_t> message, const Endpoint& source, const Now& now) {
  state_->receive(message, source, now);
}

void Tunnel::want_session(PeerIndex index, const Now& now) {
  Peer* peer = state_->find(index);
  // A worker's wish may be older than the peer's removal, or than the session it asks for.
  if (peer != nullptr && peer->slots.sending() == nullptr) state_->begin_attempt(*peer, now);
}

void Tunnel::confirm(std::uint32_t local_index, const Now& now) {
  const Session* session = state_->table.find(local_index);
  if (session != nullptr) state_->confirm(state_->get(session->peer), local_index, now);
}

void Tunnel::roam(PeerIndex index, const Endpoint& source) {
  if (Peer* peer = state_->find(index)) state_->set_endpoint(*peer, source);
}

void Tunnel::tick(const Now& now) {
  for (const auto& peer : state_->peers) {
    if (peer) state_->tick(*peer, now);
  }
}

void Tunnel::set_under_load(bool under_load) { state_->under_load = under_load; }

PeerView Tunnel::view(PeerIndex index) const {
  const Peer& peer = state_->get(index);
  PeerView view;
  view.public_key = peer.settings.public_key;
  view.endpoint = peer.endpoint;
  view.last_handshake = peer.last_handshake;
  view.has_session = peer.slots.sending() != nullptr;
  view.attempting_since = peer.timers.attempt_began();
  view.handshake_bytes_sent = peer.handshake_bytes_sent;
  view.handshake_bytes_received = peer.handshake_bytes_received;
  return view;
}

const HandshakeCounts& Tunnel::counts() const { return state_->counts; }

std::size_t Tunnel::State::KeyHash::operator()(const PublicKey& key) const {
  std::size_t hash;
  std::memcpy(&hash, key.data(), sizeof(hash));
  return hash;
}

Peer* Tunnel::State::find(PeerIndex index) const {
  const auto place = static_cast<std::size_t>(index);
  return place < peers.size() ? peers[place].get() : nullptr;
}

Peer& Tunnel::State::get(PeerIndex index) const {
  Peer* peer = find(index);
  assert(peer != nullptr);
  return *peer;
}

std::uint32_t Tunnel::State::random_number() {
  std::array<std::uint8_t, 4> bytes;
  host.fill_random(bytes);
  std::uint32_t number;
  std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

SecretKey Tunnel::State::random_key() {
  SecretKey key;
  host.fill_random(key.bytes);
  return key;
}

// The keys of peer.settings are new.
void Tunnel::State::adopt_keys(Peer& peer) {
  by_key.insert_or_assign(peer.settings.public_key, &peer);
  if (identity) peer.remote = prepare_remote(*identity, peer.settings.public_key, peer.settings.preshared_key);
}

void Tunnel::State::forget_keys(Peer& peer) {
  abandon_handshake(peer);
  peer.timers.stop_attempt();
  peer.slots.clear();
}

void Tunnel::State::set_endpoint(Peer& peer, const Endpoint& endpoint) {
  if (peer.endpoint == endpoint) return;
  peer.endpoint = endpoint;
  host.endpoint_changed(peer.index, endpoint);
}

void Tunnel::State::begin_attempt(Peer& peer, const Now& now) {
  peer.timers.want_handshake(now.instant);
  if (peer.timers.initiation_due(now.instant)) send_initiation(peer, now);
}

// Each try is a handshake of its own, with new keys and a new time.
void Tunnel::State::send_initiation(Peer& peer, const Now& now) {
  // It stays due, for the moment when there is somebody to send it to; until the attempt ends the peer may still begin
  // by itself.
  if (!peer.endpoint || !peer.remote) return;
  peer.timers.initiation_sent(now.instant, Duration{random_number() % kRekeyTimeoutJitterMax.count()});
  abandon_handshake(peer);
  const std::uint32_t index = table.reserve_index(random_number());
  if (index == 0) return count(HandshakeEvent::kRefusedTableFull);

  peer.timestamp_sent = make_timestamp(now.wall, peer.timestamp_sent);
  MessageInitiation message{};
  peer.handshake = create_initiation(*identity, *peer.remote, random_key(), peer.timestamp_sent, index, message);
  if (!peer.handshake) return table.release_index(index);
  initiations.emplace(index, &peer);
  const std::span bytes(reinterpret_cast<std::uint8_t*>(&message), sizeof(message));
  peer.cookies.add_macs(bytes, now.instant);
  count(HandshakeEvent::kInitiationSent);
  send(peer, bytes, now.instant);
}

void Tunnel::State::abandon_handshake(Peer& peer) {
  if (!peer.handshake) return;
  initiations.erase(peer.handshake->local_index);
  table.release_index(peer.handshake->local_index);
  peer.handshake.reset();
}

void Tunnel::State::send(Peer& peer, std::span<const std::uint8_t> message, Instant now) {
  peer.timers.handshake_message_sent(now);
  peer.handshake_bytes_sent += message.size();
  host.send(peer.index, *peer.endpoint, message);
}

void Tunnel::State::completed(Peer& peer, bool was_ready, const Now& now) {
  peer.timers.stop_attempt();
  peer.last_handshake = now.wall;
  count(HandshakeEvent::kCompleted);
  if (!was_ready) host.session_ready(peer.index);
}

void Tunnel::State::confirm(Peer& peer, std::uint32_t local_index, const Now& now) {
  // Of two sessions agreed at the same moment, the one counts whose initiator has the smaller key.
  const bool peer_wins = peer.settings.public_key < public_key;
  const bool was_ready = peer.slots.sending() != nullptr;
  if (!peer.slots.confirm(local_index, peer_wins)) return;
  abandon_handshake(peer);
  completed(peer, was_ready, now);
}

void Tunnel::State::tick(Peer& peer, const Now& now) {
  if (std::exchange(peer.wants_handshake, false)) peer.timers.want_handshake(now.instant);
  if (const Session* session = peer.slots.confirmed_next()) confirm(peer, session->local_index, now);
  peer.slots.age(now.instant);

  TimerInputs inputs{.now = now.instant,
                     .data_sent = peer.link.data_sent.get(),
                     .any_sent = peer.link.any_sent.get(),
                     .data_received = peer.link.data_received.get(),
                     .any_received = peer.link.any_received.get(),
                     .sending = std::nullopt,
                     .newest_session = peer.slots.newest(),
                     .persistent_keepalive = peer.settings.persistent_keepalive};
  Session* const session = peer.slots.sending();
  if (session != nullptr) inputs.sending = {session->created, session->initiator, session->nonces_used()};
  const TimerActions actions = peer.timers.poll(inputs);

  if (actions.give_up) give_up(peer, now);
  if (actions.send_initiation) send_initiation(peer, now);
  if (actions.send_keepalive) host.send_keepalive(peer.index, *session);
  if (actions.wipe_keys) peer.slots.clear();
}

void Tunnel::State::give_up(Peer& peer, const Now& now) {
  abandon_handshake(peer);
  count(HandshakeEvent::kAttemptsExhausted);
  host.session_failed(peer.index);
  // A peer that shall be connected without traffic asking for it is tried again and again.
  const bool always = peer.settings.initiate_at_once || peer.settings.persistent_keepalive > Duration{0};
  if (always && peer.endpoint) begin_attempt(peer, now);
}

}  // namespace isthmus::tunnel
