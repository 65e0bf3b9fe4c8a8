#include "tunnel/tunnel.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "tunnel/tunnel_state.h"

namespace isthmus::tunnel {

namespace {

// A lane whose handshake has not been answered for so long is not to be relied on: two tries.
constexpr Duration kLanePatience = 2 * kRekeyTimeout;

}  // namespace

Tunnel::Tunnel(TunnelHost& host, SessionTable& sessions) : state_(std::make_unique<State>(host, sessions)) {}

Tunnel::~Tunnel() {
  for (const auto& [lane, peer] : state_->peers) {
    for (Pairing* pairing : {peer->pairing.get(), peer->successor.get()}) {
      if (pairing != nullptr) state_->abandon_handshake(*pairing);
    }
  }
}

void Tunnel::set_identity(const SecretKey& private_key) {
  State& state = *state_;
  auto identity = std::make_shared<Identity>(private_key);
  const auto known = std::ranges::find_if(
      state.identities, [&](const auto& other) { return other->key.public_key() == identity->key.public_key(); });
  if (known != state.identities.end()) {
    if (known == state.identities.begin()) return;
    identity = *known;  // back to a key that some peers have not left yet
    state.identities.erase(known);
  }
  state.identities.insert(state.identities.begin(), identity);
  for (const auto& [lane, peer] : state.peers) state.renew_pairing(*peer);
  state.forget_unused_identities();
}

const PublicKey& Tunnel::public_key() const {
  static constexpr PublicKey kNone{};
  return state_->identities.empty() ? kNone : state_->identities.front()->key.public_key();
}

void Tunnel::add_peer(LaneId lane, const PeerSettings& settings, PeerLink& link, const Now& now) {
  State& state = *state_;
  assert(!state.find(lane));
  Peer& peer = *(state.peers[lane] = std::make_unique<Peer>(lane, settings, link));
  state.know_key(peer, settings.public_key);
  if (!state.identities.empty()) peer.pairing = state.make_pairing(peer);
  if (settings.endpoint) state.set_endpoint(peer, *settings.endpoint);
  if (settings.initiate_at_once) state.begin_attempt(peer, now);
}

void Tunnel::update_peer(LaneId lane, const PeerSettings& settings, const Now& now) {
  State& state = *state_;
  Peer& peer = state.get(lane);
  const PeerSettings before = std::exchange(peer.settings, settings);
  const bool new_keys = settings.public_key != before.public_key || settings.preshared_key != before.preshared_key;
  if (new_keys) {
    state.know_key(peer, settings.public_key);
    state.renew_pairing(peer);
    state.forget_unused_keys(peer, before.public_key);
  }
  if (settings.endpoint && settings.endpoint != before.endpoint) state.set_endpoint(peer, *settings.endpoint);
  if (settings.initiate_at_once && peer.link.sending.load(std::memory_order_relaxed) == nullptr) {
    state.begin_attempt(peer, now);
  }
  if (Pairing* newest = peer.newest_pairing(); newest != nullptr && std::exchange(newest->wants_handshake, false)) {
    state.begin_attempt(peer, *newest, now);
  }
}

void Tunnel::remove_peer(LaneId lane) {
  State& state = *state_;
  Peer& peer = state.get(lane);
  state.forget_key(peer, peer.settings.public_key);
  for (auto* pairing : {&peer.pairing, &peer.successor, &peer.leaving}) {
    if (*pairing) state.forget_key(peer, (*pairing)->remote.static_public);
    state.forget(*pairing);
  }
  state.peers.erase(lane);
  state.forget_unused_identities();
}

bool Tunnel::has_peer(LaneId lane) const { return state_->find(lane) != nullptr; }

void Tunnel::receive(std::span<const std::uint8_t> message, const Endpoint& source, std::uint32_t number,
                     const Now& now) {
  state_->receive(message, source, number, now);
}

void Tunnel::want_session(LaneId lane, const Now& now) {
  Peer* peer = state_->find(lane);
  // A worker's wish may be older than the peer's removal, or than the session it asks for.
  if (peer != nullptr && peer->link.sending.load(std::memory_order_relaxed) == nullptr) {
    state_->begin_attempt(*peer, now);
  }
}

void Tunnel::confirm(std::uint32_t local_index, const Now& now) {
  const Session* session = state_->table.find(local_index);
  if (session == nullptr) return;
  Peer& peer = state_->get(session->lane);
  if (Pairing* pairing = peer.pairing_of(local_index)) state_->confirm(peer, *pairing, local_index, now);
}

void Tunnel::roam(LaneId lane, const Endpoint& source) {
  if (Peer* peer = state_->find(lane)) state_->set_endpoint(*peer, source);
}

void Tunnel::tick(const Now& now) {
  for (const auto& [lane, peer] : state_->peers) state_->tick(*peer, now);
}

std::vector<CookieChecker> Tunnel::checkers(Instant now) {
  std::vector<CookieChecker> checkers;
  for (const auto& identity : state_->identities) {
    identity->checker.renew_secret(now, [this](std::span<std::uint8_t> bytes) { state_->host.fill_random(bytes); });
    checkers.push_back(identity->checker);
  }
  return checkers;
}

PeerView Tunnel::view(LaneId lane) const {
  const Peer& peer = state_->get(lane);
  PeerView view;
  view.public_key = peer.settings.public_key;
  view.endpoint = peer.endpoint;
  view.last_handshake = peer.last_handshake;
  view.has_session = peer.link.sending.load(std::memory_order_relaxed) != nullptr;
  view.rotating = peer.successor != nullptr;
  if (peer.pairing) view.attempting_since = peer.pairing->timers.attempt_began();
  view.handshake_bytes_sent = peer.handshake_bytes_sent;
  view.handshake_bytes_received = peer.handshake_bytes_received;
  view.memory_bytes = sizeof(Peer);
  for (const Pairing* pairing : {peer.pairing.get(), peer.successor.get(), peer.leaving.get()}) {
    if (pairing != nullptr) view.memory_bytes += sizeof(Pairing) + pairing->slots.sessions() * sizeof(Session);
  }
  return view;
}

const HandshakeCounts& Tunnel::counts() const { return state_->counts; }

std::size_t Tunnel::State::KeyHash::operator()(const PublicKey& key) const {
  std::size_t hash;
  std::memcpy(&hash, key.data(), sizeof(hash));
  return hash;
}

Peer* Tunnel::State::find(LaneId lane) const {
  const auto found = peers.find(lane);
  return found == peers.end() ? nullptr : found->second.get();
}

Peer& Tunnel::State::get(LaneId lane) const {
  Peer* peer = find(lane);
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

void Tunnel::State::set_endpoint(Peer& peer, const Endpoint& endpoint) {
  if (peer.endpoint == endpoint) return;
  peer.endpoint = endpoint;
  host.endpoint_changed(peer.lane, endpoint);
}

void Tunnel::State::begin_attempt(Peer& peer, const Now& now) {
  for (Pairing* pairing : {peer.pairing.get(), peer.successor.get()}) {
    if (pairing != nullptr) begin_attempt(peer, *pairing, now);
  }
}

void Tunnel::State::begin_attempt(Peer& peer, Pairing& pairing, const Now& now) {
  pairing.timers.want_handshake(now.instant);
  if (pairing.timers.initiation_due(now.instant)) send_initiation(peer, pairing, now);
}

// Each try is a handshake of its own, with new keys and a new time.
void Tunnel::State::send_initiation(Peer& peer, Pairing& pairing, const Now& now) {
  // It stays due, for the moment when there is somebody to send it to; until the attempt ends the peer may still begin
  // by itself.
  if (!peer.endpoint) return;
  pairing.timers.initiation_sent(now.instant, Duration{random_number() % kRekeyTimeoutJitterMax.count()});
  abandon_handshake(pairing);
  const std::uint32_t index = table.reserve_index(random_number());
  if (index == 0) return count(HandshakeEvent::kRefusedTableFull);

  peer.timestamp_sent = make_timestamp(now.wall, peer.timestamp_sent);
  MessageInitiation message{};
  pairing.handshake =
      create_initiation(pairing.own->key, pairing.remote, random_key(), peer.timestamp_sent, index, message);
  if (!pairing.handshake) return table.release_index(index);
  initiations.insert_or_assign(index, Awaited{&peer, &pairing});
  const std::span bytes(reinterpret_cast<std::uint8_t*>(&message), sizeof(message));
  pairing.cookies.add_macs(bytes, now.instant);
  count(HandshakeEvent::kInitiationSent);
  send(peer, pairing, *peer.endpoint, bytes, now.instant);
}

void Tunnel::State::abandon_handshake(Pairing& pairing) {
  if (!pairing.handshake) return;
  initiations.erase(pairing.handshake->local_index);
  table.release_index(pairing.handshake->local_index);
  pairing.handshake.reset();
}

void Tunnel::State::send(Peer& peer, Pairing& pairing, const Endpoint& destination,
                         std::span<const std::uint8_t> message, Instant now) {
  pairing.timers.handshake_message_sent(now);
  peer.handshake_bytes_sent += message.size();
  host.send(peer.lane, destination, message);
}

void Tunnel::State::completed(Peer& peer, Pairing& pairing, bool was_ready, const Now& now) {
  pairing.timers.stop_attempt();
  pairing.agreed = true;
  peer.last_handshake = now.wall;
  count(HandshakeEvent::kCompleted);
  if (&pairing == peer.successor.get()) promote_successor(peer, now.instant);
  report_usable(peer, now.instant);
  if (!was_ready) host.session_ready(peer.lane);
}

void Tunnel::State::confirm(Peer& peer, Pairing& pairing, std::uint32_t local_index, const Now& now) {
  // Of two sessions agreed at the same moment, the one counts whose initiator has the smaller key.
  const bool peer_wins = pairing.remote.static_public < pairing.own->key.public_key();
  const bool was_ready = peer.link.sending.load(std::memory_order_relaxed) != nullptr;
  if (!pairing.slots.confirm(local_index, peer_wins)) return;
  abandon_handshake(pairing);
  completed(peer, pairing, was_ready, now);
}

void Tunnel::State::report_usable(Peer& peer, Instant now) {
  const auto began = peer.pairing ? peer.pairing->timers.attempt_began() : std::nullopt;
  const bool usable =
      peer.link.sending.load(std::memory_order_relaxed) != nullptr && (!began || now - *began < kLanePatience);
  if (std::exchange(peer.usable, usable) != usable) host.usable_changed(peer.lane, usable);
}

void Tunnel::State::tick(Peer& peer, const Now& now) {
  if (peer.leaving && peer.left == kNever) peer.left = now.instant;
  // Everything that it received with has expired by then.
  if (peer.leaving && now.instant - peer.left >= kRejectAfterTime) {
    forget(peer.leaving);
    forget_unused_identities();
  }
  if (peer.successor) tick(peer, *peer.successor, now);
  if (peer.pairing) tick(peer, *peer.pairing, now);
  for (Pairing* pairing : {peer.successor.get(), peer.pairing.get(), peer.leaving.get()}) {
    if (pairing == nullptr) continue;
    pairing->slots.look(now.instant);
    pairing->slots.take_leave(now.instant);
  }
  report_usable(peer, now.instant);
}

void Tunnel::State::tick(Peer& peer, Pairing& pairing, const Now& now) {
  if (std::exchange(pairing.wants_handshake, false)) pairing.timers.want_handshake(now.instant);
  if (const Session* session = pairing.slots.confirmed_next()) confirm(peer, pairing, session->local_index, now);
  pairing.slots.age(now.instant);

  TimerInputs inputs;
  inputs.now = now.instant;
  inputs.newest_session = pairing.slots.newest();
  // Traffic is the affair of the pairing that carries it.
  if (&pairing == peer.pairing.get()) {
    inputs.data_sent = peer.link.data_sent.get();
    inputs.any_sent = peer.link.any_sent.get();
    inputs.data_received = peer.link.data_received.get();
    inputs.any_received = peer.link.any_received.get();
    inputs.persistent_keepalive = peer.settings.persistent_keepalive;
  }
  Session* const session = pairing.slots.sending();
  if (session != nullptr) inputs.sending = {session->created, session->initiator, session->nonces_used()};
  const TimerActions actions = pairing.timers.poll(inputs);

  if (actions.give_up) give_up(peer, pairing, now);
  if (actions.send_initiation) send_initiation(peer, pairing, now);
  if (actions.send_keepalive) host.send_keepalive(peer.lane, *session);
  if (actions.wipe_keys) pairing.slots.clear();
}

void Tunnel::State::give_up(Peer& peer, Pairing& pairing, const Now& now) {
  abandon_handshake(pairing);
  count(HandshakeEvent::kAttemptsExhausted);
  if (&pairing == peer.successor.get()) return pairing.timers.want_handshake(now.instant);
  host.session_failed(peer.lane);
  // A peer that shall be connected without traffic asking for it is tried again and again.
  const bool always = peer.settings.initiate_at_once || peer.settings.persistent_keepalive > Duration{0};
  if (always && peer.endpoint) begin_attempt(peer, pairing, now);
}

}  // namespace isthmus::tunnel
