#pragma once
// Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (sections 5.4.1 to 5.4.5): four functions over explicit state. What is random
// is an argument, and the macs at a message's end are not theirs (cookie.h).

#include <optional>

#include "tunnel/crypto.h"
#include "tunnel/session.h"
#include "tunnel/timestamp.h"
#include "tunnel/wire.h"

namespace isthmus::tunnel {

// What we know of a peer before any handshake.
struct RemoteIdentity {
  PublicKey static_public;
  X25519PublicKey static_key;  // the same, ready for use
  SecretKey preshared_key;
  // DH of both static keys, the same in every handshake. None: the peer's key is of low order, every handshake fails.
  std::optional<SecretKey> static_static;
};

RemoteIdentity prepare_remote(const X25519Key& own, const PublicKey& remote_static, const SecretKey& preshared_key);

// C and H of section 5.4: all that was said so far, and all that was agreed so far.
struct Transcript {
  SecretKey chaining_key;
  Digest hash;
};

// Between create_initiation and consume_response.
struct InitiatorHandshake {
  Transcript transcript;
  X25519Key ephemeral;
  std::uint32_t local_index;
};

// Between identify_initiator and create_response.
struct ResponderHandshake {
  Transcript transcript;
  PublicKey remote_static;
  X25519PublicKey remote_ephemeral;
  std::uint32_t remote_index;
};

// Nothing when the peer's key is of low order; so too below.
std::optional<InitiatorHandshake> create_initiation(const X25519Key& own, const RemoteIdentity& remote,
                                                    const SecretKey& ephemeral, const Timestamp& timestamp,
                                                    std::uint32_t local_index, MessageInitiation& message);

// The first half of consuming an initiation: who says that he speaks? Nothing when the message is not for `own`.
std::optional<ResponderHandshake> identify_initiator(const X25519Key& own, const MessageInitiation& message);
// The second half: is it he? Then the initiation's time, which the caller compares with the last one.
std::optional<Timestamp> consume_initiation(ResponderHandshake& handshake, const RemoteIdentity& remote,
                                            const MessageInitiation& message);

std::optional<Session::Keys> create_response(ResponderHandshake handshake, const RemoteIdentity& remote,
                                             const SecretKey& ephemeral, std::uint32_t local_index,
                                             MessageResponse& message);

// `handshake` stays good for the true response when this one is false.
std::optional<Session::Keys> consume_response(const InitiatorHandshake& handshake, const X25519Key& own,
                                              const RemoteIdentity& remote, const MessageResponse& message);

}  // namespace isthmus::tunnel
