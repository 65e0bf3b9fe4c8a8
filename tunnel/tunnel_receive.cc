// What handshake messages do that have passed the gate: parse, mac1, then the handshake itself; refused as early and as
// cheaply as possible.

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "tunnel/tunnel_state.h"

namespace isthmus::tunnel {
namespace {

// WireGuard's implementations serve 50 initiations a second of one peer.
constexpr Duration kInitiationInterval = 20ms;

template <typename Message>
std::optional<Message> parse(std::span<const std::uint8_t> bytes, MessageType type) {
  Message message;
  if (bytes.size() != sizeof(message)) return std::nullopt;
  std::memcpy(&message, bytes.data(), sizeof(message));
  if (message.type != static_cast<std::uint32_t>(type)) return std::nullopt;
  return message;
}

}  // namespace

void Tunnel::State::receive(std::span<const std::uint8_t> bytes, const Endpoint& source, std::uint32_t number,
                            const Now& now) {
  // The three types differ in length, so the order does not matter.
  if (const auto message = parse<MessageInitiation>(bytes, MessageType::kInitiation)) {
    Identity* own = find_identity(bytes);
    if (own != nullptr) receive_initiation(*message, *own, source, number, now);
  } else if (const auto response = parse<MessageResponse>(bytes, MessageType::kResponse)) {
    if (find_identity(bytes) != nullptr) receive_response(*response, source, number, now);
  } else if (const auto reply = parse<MessageCookieReply>(bytes, MessageType::kCookieReply)) {
    receive_cookie_reply(*reply, number, now.instant);
  } else {
    count(HandshakeEvent::kRefusedMalformed);
  }
}

// Section 5.3: silence for those who do not know a public key of ours. Which of them the message was made for; the gate
// has asked already, but keys may have changed since.
Identity* Tunnel::State::find_identity(std::span<const std::uint8_t> message) {
  const auto meant =
      std::ranges::find_if(identities, [&](const auto& identity) { return identity->checker.mac1_valid(message); });
  if (meant != identities.end()) return meant->get();
  count(HandshakeEvent::kRefusedMac1);
  return nullptr;
}

void Tunnel::State::receive_initiation(const MessageInitiation& message, Identity& own, const Endpoint& source,
                                       std::uint32_t number, const Now& now) {
  auto handshake = identify_initiator(own.key, message);
  if (!handshake) return count(HandshakeEvent::kRefusedDecryption);
  const Awaited initiator = find_initiator(own, handshake->remote_static, number);
  if (initiator.pairing == nullptr) return count(HandshakeEvent::kRefusedUnknownPeer);
  Peer& peer = *initiator.peer;
  Pairing& pairing = *initiator.pairing;
  NewestInitiation& newest = *pairing.newest;

  const auto timestamp = consume_initiation(*handshake, pairing.remote, message);
  if (!timestamp) return count(HandshakeEvent::kRefusedDecryption);
  if (*timestamp <= newest.timestamp) return count(HandshakeEvent::kRefusedReplayedTimestamp);
  if (newest.received != kNever && now.instant - newest.received < kInitiationInterval) {
    return count(HandshakeEvent::kRefusedFlood);
  }
  newest = {*timestamp, now.instant};
  count(HandshakeEvent::kInitiationReceived);
  authenticated(peer, pairing, sizeof(message), now.instant);
  // What was said to one lane can be replayed to another, which has not seen it. No session comes of that, and it must
  // not tell us where the peer is either: only what is newer than all that the peer ever said does. Otherwise the first
  // data message will.
  Timestamp& newest_of_all = by_key.at(handshake->remote_static).newest;
  if (*timestamp > newest_of_all) {
    newest_of_all = *timestamp;
    set_endpoint(peer, source);
  }
  respond(peer, pairing, *handshake, source, now);
}

// Who is known by this key on lanes `number`. Of two peers that exchange a key, the one who is to have it; of two
// pairings that differ in the pre-shared key only, which an initiation does not tell, twice the new one and twice the
// old one: the other side may try its two in turn, and then both must not take turns alike.
Tunnel::State::Awaited Tunnel::State::find_initiator(const Identity& own, const PublicKey& remote_static,
                                                     std::uint32_t number) {
  Awaited found{nullptr, nullptr};
  const auto known = by_key.find(remote_static);
  if (known == by_key.end()) return found;
  for (Peer* peer : known->second.peers) {
    if (peer->lane.number != number) continue;
    std::array<Pairing*, 2> candidates{peer->successor.get(), peer->pairing.get()};
    for (Pairing*& candidate : candidates) {
      const bool fits =
          candidate != nullptr && candidate->own.get() == &own && candidate->remote.static_public == remote_static;
      if (!fits) candidate = nullptr;
    }
    if (candidates[0] == nullptr && candidates[1] == nullptr) continue;
    if (found.peer != nullptr && peer->settings.public_key != remote_static) continue;
    const bool both = candidates[0] != nullptr && candidates[1] != nullptr;
    const bool old = candidates[0] == nullptr || (both && peer->answers++ / 2 % 2 != 0);
    found = {peer, candidates[old ? 1 : 0]};
  }
  return found;
}

void Tunnel::State::respond(Peer& peer, Pairing& pairing, const ResponderHandshake& handshake, const Endpoint& source,
                            const Now& now) {
  const std::uint32_t index = table.reserve_index(random_number());
  if (index == 0) return count(HandshakeEvent::kRefusedTableFull);
  MessageResponse message{};
  const auto keys = create_response(handshake, pairing.remote, random_key(), index, message);
  if (!keys) {
    table.release_index(index);
    return count(HandshakeEvent::kRefusedDecryption);
  }
  // Before the response leaves: its answer may be data.
  pairing.slots.add_as_responder(
      std::make_unique<Session>(peer.lane, index, handshake.remote_index, false, *keys, now.instant));
  const std::span bytes(reinterpret_cast<std::uint8_t*>(&message), sizeof(message));
  pairing.cookies.add_macs(bytes, now.instant);
  count(HandshakeEvent::kResponseSent);
  send(peer, pairing, source, bytes, now.instant);
}

void Tunnel::State::receive_response(const MessageResponse& message, const Endpoint& source, std::uint32_t number,
                                     const Now& now) {
  const auto awaited = initiations.find(message.receiver_index);
  if (awaited == initiations.end() || awaited->second.peer->lane.number != number) {
    return count(HandshakeEvent::kRefusedUnknownIndex);
  }
  Peer& peer = *awaited->second.peer;
  Pairing& pairing = *awaited->second.pairing;
  const auto keys = consume_response(*pairing.handshake, pairing.own->key, pairing.remote, message);
  if (!keys) return count(HandshakeEvent::kRefusedDecryption);

  count(HandshakeEvent::kResponseReceived);
  authenticated(peer, pairing, sizeof(message), now.instant);
  set_endpoint(peer, source);
  // The handshake's index becomes the session's.
  const std::uint32_t index = pairing.handshake->local_index;
  initiations.erase(awaited);
  pairing.handshake.reset();
  const bool was_ready = peer.link.sending.load(std::memory_order_relaxed) != nullptr;
  pairing.slots.add_as_initiator(
      std::make_unique<Session>(peer.lane, index, message.sender_index, true, *keys, now.instant), now.instant);
  // The responder may not send before it has heard from us with the new keys. Sealed first, so it leaves first: before
  // the packets that have waited.
  host.send_keepalive(peer.lane, *pairing.slots.sending());
  completed(peer, pairing, was_ready, now);
}

void Tunnel::State::receive_cookie_reply(const MessageCookieReply& message, std::uint32_t number, Instant now) {
  // It answers an initiation of ours, or a response, whose session has the index.
  Awaited asked{nullptr, nullptr};
  if (const auto awaited = initiations.find(message.receiver_index); awaited != initiations.end()) {
    asked = awaited->second;
  } else if (const Session* session = table.find(message.receiver_index)) {
    asked.peer = find(session->lane);
    if (asked.peer != nullptr) asked.pairing = asked.peer->pairing_of(session->local_index);
  }
  if (asked.pairing == nullptr || asked.peer->lane.number != number) {
    return count(HandshakeEvent::kRefusedUnknownIndex);
  }
  if (!asked.pairing->cookies.consume_reply(message, now)) return count(HandshakeEvent::kRefusedDecryption);
  count(HandshakeEvent::kCookieReceived);
  asked.peer->handshake_bytes_received += sizeof(message);
}

void Tunnel::State::authenticated(Peer& peer, Pairing& pairing, std::size_t bytes, Instant now) {
  pairing.timers.handshake_message_received(now);
  peer.handshake_bytes_received += bytes;
}

}  // namespace isthmus::tunnel
