#include "tunnel/handshake.h"

#include <algorithm>
#include <string_view>

namespace isthmus::tunnel {
namespace {

constexpr std::string_view kConstruction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
constexpr std::string_view kIdentifier = "WireGuard v1 zx2c4 Jason@zx2c4.com";

Bytes bytes_of_text(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

// H := HASH(H || input)
void mix_hash(Transcript& transcript, Bytes input) { transcript.hash = blake2s({transcript.hash, input}); }

// C := KDF1(C, input)
void mix_key(Transcript& transcript, Bytes input) {
  transcript.chaining_key = kdf<1>(transcript.chaining_key, input)[0];
}

// (C, k) := KDF2(C, input)
SecretKey mix_key_and_derive(Transcript& transcript, const SecretKey& input) {
  const auto keys = kdf<2>(transcript.chaining_key, input.bytes);
  transcript.chaining_key = keys[0];
  return keys[1];
}

// (C, tau, k) := KDF3(C, Q);  H := HASH(H || tau)
SecretKey mix_preshared_key(Transcript& transcript, const SecretKey& preshared_key) {
  const auto keys = kdf<3>(transcript.chaining_key, preshared_key.bytes);
  transcript.chaining_key = keys[0];
  mix_hash(transcript, keys[1].bytes);
  return keys[2];
}

// sealed := AEAD(k, 0, text, H);  H := HASH(H || sealed)
void seal_and_mix(Transcript& transcript, const SecretKey& key, Bytes text, std::span<std::uint8_t> sealed) {
  seal(key, 0, text, transcript.hash, sealed);
  mix_hash(transcript, sealed);
}

bool open_and_mix(Transcript& transcript, const SecretKey& key, Bytes sealed, std::span<std::uint8_t> text) {
  if (!open(key, 0, sealed, transcript.hash, text)) return false;
  mix_hash(transcript, sealed);
  return true;
}

Transcript begin(const PublicKey& responder_static) {
  Transcript transcript;
  // C := HASH(CONSTRUCTION)
  transcript.chaining_key.bytes = blake2s({bytes_of_text(kConstruction)});
  // H := HASH(C || IDENTIFIER)
  transcript.hash = blake2s({transcript.chaining_key.bytes, bytes_of_text(kIdentifier)});
  // H := HASH(H || Spub_r)
  mix_hash(transcript, responder_static);
  return transcript;
}

// C := KDF1(C, Epub);  H := HASH(H || Epub), the same for both sides' ephemerals
void mix_ephemeral(Transcript& transcript, const PublicKey& ephemeral) {
  mix_key(transcript, ephemeral);
  mix_hash(transcript, ephemeral);
}

// Section 5.4.5: (T_send_i = T_recv_r, T_recv_i = T_send_r) := KDF2(C, empty)
Session::Keys derive_session_keys(const Transcript& transcript, bool initiator) {
  const auto keys = kdf<2>(transcript.chaining_key, {});
  Session::Keys session;
  session.sending.bytes = keys[initiator ? 0 : 1].bytes;
  session.receiving.bytes = keys[initiator ? 1 : 0].bytes;
  return session;
}

}  // namespace

RemoteIdentity prepare_remote(const X25519Key& own, const PublicKey& remote_static, const SecretKey& preshared_key) {
  const X25519PublicKey static_key(remote_static);
  return {remote_static, static_key, preshared_key, own.shared_secret(static_key)};
}

std::optional<InitiatorHandshake> create_initiation(const X25519Key& own, const RemoteIdentity& remote,
                                                    const SecretKey& ephemeral, const Timestamp& timestamp,
                                                    std::uint32_t local_index, MessageInitiation& message) {
  InitiatorHandshake handshake{begin(remote.static_public), X25519Key(ephemeral), local_index};
  Transcript& transcript = handshake.transcript;
  message.type = static_cast<std::uint32_t>(MessageType::kInitiation);
  // msg.sender := I_i
  message.sender_index = local_index;
  // msg.ephemeral := Epub_i
  message.unencrypted_ephemeral = handshake.ephemeral.public_key();
  // C := KDF1(C, msg.ephemeral);  H := HASH(H || msg.ephemeral)
  mix_ephemeral(transcript, message.unencrypted_ephemeral);
  // (C, k) := KDF2(C, DH(Epriv_i, Spub_r))
  const auto ephemeral_static = handshake.ephemeral.shared_secret(remote.static_key);
  if (!ephemeral_static || !remote.static_static) return std::nullopt;
  const SecretKey static_key = mix_key_and_derive(transcript, *ephemeral_static);
  // msg.static := AEAD(k, 0, Spub_i, H);  H := HASH(H || msg.static)
  seal_and_mix(transcript, static_key, own.public_key(), message.encrypted_static);
  // (C, k) := KDF2(C, DH(Spriv_i, Spub_r))
  const SecretKey timestamp_key = mix_key_and_derive(transcript, *remote.static_static);
  // msg.timestamp := AEAD(k, 0, TIMESTAMP(), H);  H := HASH(H || msg.timestamp)
  seal_and_mix(transcript, timestamp_key, timestamp, message.encrypted_timestamp);
  return handshake;
}

std::optional<ResponderHandshake> identify_initiator(const X25519Key& own, const MessageInitiation& message) {
  ResponderHandshake handshake{
      begin(own.public_key()), {}, X25519PublicKey(message.unencrypted_ephemeral), message.sender_index};
  Transcript& transcript = handshake.transcript;
  // C := KDF1(C, msg.ephemeral);  H := HASH(H || msg.ephemeral)
  mix_ephemeral(transcript, message.unencrypted_ephemeral);
  // (C, k) := KDF2(C, DH(Spriv_r, Epub_i))
  const auto static_ephemeral = own.shared_secret(handshake.remote_ephemeral);
  if (!static_ephemeral) return std::nullopt;
  const SecretKey static_key = mix_key_and_derive(transcript, *static_ephemeral);
  // Spub_i := AEAD^-1(k, 0, msg.static, H);  H := HASH(H || msg.static)
  if (!open_and_mix(transcript, static_key, message.encrypted_static, handshake.remote_static)) return std::nullopt;
  return handshake;
}

std::optional<Timestamp> consume_initiation(ResponderHandshake& handshake, const RemoteIdentity& remote,
                                            const MessageInitiation& message) {
  // (C, k) := KDF2(C, DH(Spriv_r, Spub_i))
  if (!remote.static_static) return std::nullopt;
  const SecretKey timestamp_key = mix_key_and_derive(handshake.transcript, *remote.static_static);
  // TIMESTAMP := AEAD^-1(k, 0, msg.timestamp, H);  H := HASH(H || msg.timestamp)
  Timestamp timestamp;
  if (!open_and_mix(handshake.transcript, timestamp_key, message.encrypted_timestamp, timestamp)) return std::nullopt;
  return timestamp;
}

std::optional<Session::Keys> create_response(ResponderHandshake handshake, const RemoteIdentity& remote,
                                             const SecretKey& ephemeral, std::uint32_t local_index,
                                             MessageResponse& message) {
  Transcript& transcript = handshake.transcript;
  const X25519Key own_ephemeral(ephemeral);
  message.type = static_cast<std::uint32_t>(MessageType::kResponse);
  // msg.sender := I_r;  msg.receiver := I_i
  message.sender_index = local_index;
  message.receiver_index = handshake.remote_index;
  // msg.ephemeral := Epub_r
  message.unencrypted_ephemeral = own_ephemeral.public_key();
  // C := KDF1(C, msg.ephemeral);  H := HASH(H || msg.ephemeral)
  mix_ephemeral(transcript, message.unencrypted_ephemeral);
  // C := KDF1(C, DH(Epriv_r, Epub_i))
  const auto ephemeral_ephemeral = own_ephemeral.shared_secret(handshake.remote_ephemeral);
  // C := KDF1(C, DH(Epriv_r, Spub_i))
  const auto ephemeral_static = own_ephemeral.shared_secret(remote.static_key);
  if (!ephemeral_ephemeral || !ephemeral_static) return std::nullopt;
  mix_key(transcript, ephemeral_ephemeral->bytes);
  mix_key(transcript, ephemeral_static->bytes);
  // (C, tau, k) := KDF3(C, Q);  H := HASH(H || tau)
  const SecretKey nothing_key = mix_preshared_key(transcript, remote.preshared_key);
  // msg.empty := AEAD(k, 0, empty, H);  H := HASH(H || msg.empty)
  seal_and_mix(transcript, nothing_key, {}, message.encrypted_nothing);
  return derive_session_keys(transcript, false);
}

std::optional<Session::Keys> consume_response(const InitiatorHandshake& handshake, const X25519Key& own,
                                              const RemoteIdentity& remote, const MessageResponse& message) {
  Transcript transcript = handshake.transcript;
  // C := KDF1(C, msg.ephemeral);  H := HASH(H || msg.ephemeral)
  mix_ephemeral(transcript, message.unencrypted_ephemeral);
  // C := KDF1(C, DH(Epriv_i, Epub_r))
  const X25519PublicKey remote_ephemeral(message.unencrypted_ephemeral);
  const auto ephemeral_ephemeral = handshake.ephemeral.shared_secret(remote_ephemeral);
  // C := KDF1(C, DH(Spriv_i, Epub_r))
  const auto static_ephemeral = own.shared_secret(remote_ephemeral);
  if (!ephemeral_ephemeral || !static_ephemeral) return std::nullopt;
  mix_key(transcript, ephemeral_ephemeral->bytes);
  mix_key(transcript, static_ephemeral->bytes);
  // (C, tau, k) := KDF3(C, Q);  H := HASH(H || tau)
  const SecretKey nothing_key = mix_preshared_key(transcript, remote.preshared_key);
  // empty := AEAD^-1(k, 0, msg.empty, H);  H := HASH(H || msg.empty)
  if (!open_and_mix(transcript, nothing_key, message.encrypted_nothing, {})) return std::nullopt;
  return derive_session_keys(transcript, true);
}

}  // namespace isthmus::tunnel
