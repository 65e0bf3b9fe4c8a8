// What handshake messages do: parse, macs, then the handshake itself; refused as early and as cheaply as possible.

#include <cstring>

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

void Tunnel::State::receive(std::span<const std::uint8_t> bytes, const Endpoint& source, const Now& now) {
  // The three types differ in length, so the order does not matter.
  if (const auto message = parse<MessageInitiation>(bytes, MessageType::kInitiation)) {
    if (verify_macs(bytes, message->sender_index, source, now.instant)) receive_initiation(*message, source, now);
  } else if (const auto response = parse<MessageResponse>(bytes, MessageType::kResponse)) {
    if (verify_macs(bytes, response->sender_index, source, now.instant)) receive_response(*response, source, now);
  } else if (const auto reply = parse<MessageCookieReply>(bytes, MessageType::kCookieReply)) {
    receive_cookie_reply(*reply, now.instant);
  } else {
    count(HandshakeEvent::kRefusedMalformed);
  }
}

// Section 5.3: silence for those who do not know our public key; a cookie, under load, for those who may have forged
// their address.
bool Tunnel::State::verify_macs(std::span<const std::uint8_t> message, std::uint32_t sender_index,
                                const Endpoint& source, Instant now) {
  if (!checker || !checker->mac1_valid(message)) {
    count(HandshakeEvent::kRefusedMac1);
    return false;
  }
  if (!under_load || checker->mac2_valid(message, source, now)) return true;
  count(HandshakeEvent::kRefusedMac2);
  const auto random = [this](std::span<std::uint8_t> bytes) { host.fill_random(bytes); };
  const MessageCookieReply reply = checker->create_reply(message, sender_index, source, now, random);
  count(HandshakeEvent::kCookieSent);
  host.send(kNoPeer, source, bytes_of(reply));
  return false;
}

void Tunnel::State::receive_initiation(const MessageInitiation& message, const Endpoint& source, const Now& now) {
  auto handshake = identify_initiator(*identity, message);
  if (!handshake) return count(HandshakeEvent::kRefusedDecryption);
  const auto named = by_key.find(handshake->remote_static);
  if (named == by_key.end()) return count(HandshakeEvent::kRefusedUnknownPeer);
  Peer& peer = *named->second;

  const auto timestamp = consume_initiation(*handshake, *peer.remote, message);
  if (!timestamp) return count(HandshakeEvent::kRefusedDecryption);
  if (*timestamp <= peer.timestamp_received) return count(HandshakeEvent::kRefusedReplayedTimestamp);
  if (peer.initiation_received != kNever && now.instant - peer.initiation_received < kInitiationInterval) {
    return count(HandshakeEvent::kRefusedFlood);
  }
  peer.timestamp_received = *timestamp;
  peer.initiation_received = now.instant;
  count(HandshakeEvent::kInitiationReceived);
  authenticated(peer, sizeof(message), source, now.instant);
  respond(peer, *handshake, now);
}

void Tunnel::State::respond(Peer& peer, const ResponderHandshake& handshake, const Now& now) {
  const std::uint32_t index = table.reserve_index(random_number());
  if (index == 0) return count(HandshakeEvent::kRefusedTableFull);
  MessageResponse message{};
  const auto keys = create_response(handshake, *peer.remote, random_key(), index, message);
  if (!keys) {
    table.release_index(index);
    return count(HandshakeEvent::kRefusedDecryption);
  }
  // Before the response leaves: its answer may be data.
  peer.slots.add_as_responder(
      std::make_unique<Session>(peer.index, index, handshake.remote_index, false, *keys, now.instant));
  const std::span bytes(reinterpret_cast<std::uint8_t*>(&message), sizeof(message));
  peer.cookies.add_macs(bytes, now.instant);
  count(HandshakeEvent::kResponseSent);
  send(peer, bytes, now.instant);
}

void Tunnel::State::receive_response(const MessageResponse& message, const Endpoint& source, const Now& now) {
  const auto awaited = initiations.find(message.receiver_index);
  if (awaited == initiations.end()) return count(HandshakeEvent::kRefusedUnknownIndex);
  Peer& peer = *awaited->second;
  const auto keys = consume_response(*peer.handshake, *identity, *peer.remote, message);
  if (!keys) return count(HandshakeEvent::kRefusedDecryption);

  count(HandshakeEvent::kResponseReceived);
  authenticated(peer, sizeof(message), source, now.instant);
  // The handshake's index becomes the session's.
  const std::uint32_t index = peer.handshake->local_index;
  initiations.erase(awaited);
  peer.handshake.reset();
  const bool was_ready = peer.slots.sending() != nullptr;
  peer.slots.add_as_initiator(
      std::make_unique<Session>(peer.index, index, message.sender_index, true, *keys, now.instant), now.instant);
  completed(peer, was_ready, now);
  // The responder may not send before it has heard from us with the new keys.
  host.send_keepalive(peer.index, *peer.slots.sending());
}

void Tunnel::State::receive_cookie_reply(const MessageCookieReply& message, Instant now) {
  // It answers an initiation of ours, or a response, whose session has the index.
  Peer* peer = nullptr;
  if (const auto awaited = initiations.find(message.receiver_index); awaited != initiations.end()) {
    peer = awaited->second;
  } else if (const Session* session = table.find(message.receiver_index)) {
    peer = find(session->peer);
  }
  if (peer == nullptr) return count(HandshakeEvent::kRefusedUnknownIndex);
  if (!peer->cookies.consume_reply(message, now)) return count(HandshakeEvent::kRefusedDecryption);
  count(HandshakeEvent::kCookieReceived);
  peer->handshake_bytes_received += sizeof(message);
}

// Section 2.1: whoever proves to be the peer is where it speaks from.
void Tunnel::State::authenticated(Peer& peer, std::size_t bytes, const Endpoint& source, Instant now) {
  peer.timers.handshake_message_received(now);
  peer.handshake_bytes_received += bytes;
  set_endpoint(peer, source);
}

}  // namespace isthmus::tunnel
