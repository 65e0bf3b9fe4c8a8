#include "tunnel/handshake.h"

#include <gtest/gtest.h>

#include <optional>

namespace isthmus::tunnel {
namespace {

SecretKey filled(std::uint8_t byte) {
  SecretKey key;
  key.bytes.fill(byte);
  return key;
}

constexpr Timestamp kTime{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

// A handshake whose parties may be told different things about each other.
struct Parties {
  X25519Key initiator{filled(0x11)};
  X25519Key responder{filled(0x22)};
  RemoteIdentity to_responder = prepare_remote(initiator, responder.public_key(), filled(5));
  RemoteIdentity to_initiator = prepare_remote(responder, initiator.public_key(), filled(5));
  MessageInitiation initiation{};
  MessageResponse response{};

  std::optional<InitiatorHandshake> create(std::uint8_t ephemeral = 0x33) {
    return create_initiation(initiator, to_responder, filled(ephemeral), kTime, 7, initiation);
  }
};

TEST(Handshake, BothSidesDeriveTheSameKeys) {
  Parties parties;
  const auto sent = parties.create();
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->local_index, 7U);
  auto received = identify_initiator(parties.responder, parties.initiation);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->remote_static, parties.initiator.public_key());
  EXPECT_EQ(received->remote_index, 7U);
  EXPECT_EQ(consume_initiation(*received, parties.to_initiator, parties.initiation), kTime);
  const auto theirs = create_response(*received, parties.to_initiator, filled(0x44), 8, parties.response);
  ASSERT_TRUE(theirs);
  EXPECT_EQ(parties.response.sender_index, 8U);
  EXPECT_EQ(parties.response.receiver_index, 7U);
  const auto ours = consume_response(*sent, parties.initiator, parties.to_responder, parties.response);
  ASSERT_TRUE(ours);
  EXPECT_EQ(ours->sending.bytes, theirs->receiving.bytes);
  EXPECT_EQ(ours->receiving.bytes, theirs->sending.bytes);
  EXPECT_NE(ours->sending.bytes, ours->receiving.bytes);
}

TEST(Handshake, EphemeralsDecideTheKeys) {
  std::vector<std::array<std::uint8_t, 32>> seen;
  for (const auto& [first, second] : {std::pair{0x33, 0x44}, {0x34, 0x44}, {0x33, 0x45}}) {
    Parties parties;
    const auto sent = parties.create(static_cast<std::uint8_t>(first));
    auto received = identify_initiator(parties.responder, parties.initiation);
    ASSERT_TRUE(consume_initiation(*received, parties.to_initiator, parties.initiation));
    const auto keys = create_response(*received, parties.to_initiator, filled(static_cast<std::uint8_t>(second)), 8,
                                      parties.response);
    for (const auto& other : seen) EXPECT_NE(keys->sending.bytes, other);
    seen.push_back(keys->sending.bytes);
  }
}

TEST(Handshake, AnotherResponderUnderstandsNothing) {
  Parties parties;
  ASSERT_TRUE(parties.create());
  EXPECT_FALSE(identify_initiator(X25519Key(filled(0x23)), parties.initiation));
}

// One who knows the initiator's public key only: the timestamp needs the private one.
TEST(Handshake, ANameIsNoProof) {
  Parties parties;
  RemoteIdentity forged = parties.to_responder;
  forged.static_static = filled(0x66);
  ASSERT_TRUE(create_initiation(parties.initiator, forged, filled(0x33), kTime, 7, parties.initiation));
  auto received = identify_initiator(parties.responder, parties.initiation);
  ASSERT_TRUE(received);
  EXPECT_FALSE(consume_initiation(*received, parties.to_initiator, parties.initiation));
}

TEST(Handshake, ResponsesNeedThePresharedKeyAndBothPrivateKeys) {
  Parties parties;
  const auto sent = parties.create();
  auto received = identify_initiator(parties.responder, parties.initiation);
  ASSERT_TRUE(consume_initiation(*received, parties.to_initiator, parties.initiation));
  ASSERT_TRUE(create_response(*received, parties.to_initiator, filled(0x44), 8, parties.response));

  RemoteIdentity other_preshared = parties.to_responder;
  other_preshared.preshared_key = filled(6);
  EXPECT_FALSE(consume_response(*sent, parties.initiator, other_preshared, parties.response));
  EXPECT_FALSE(consume_response(*sent, X25519Key(filled(0x12)), parties.to_responder, parties.response));
  Parties later;
  EXPECT_FALSE(consume_response(*later.create(0x35), parties.initiator, parties.to_responder, parties.response));
  EXPECT_TRUE(consume_response(*sent, parties.initiator, parties.to_responder, parties.response))
      << "failures leave the handshake as it was";
}

TEST(Handshake, LowOrderKeysAreRefusedEverywhere) {
  Parties parties;
  const RemoteIdentity zero = prepare_remote(parties.initiator, {}, filled(5));
  EXPECT_FALSE(zero.static_static);
  EXPECT_FALSE(create_initiation(parties.initiator, zero, filled(0x33), kTime, 7, parties.initiation));

  const auto sent = parties.create();
  auto received = identify_initiator(parties.responder, parties.initiation);
  ASSERT_TRUE(received);
  EXPECT_FALSE(consume_initiation(*received, zero, parties.initiation));

  MessageInitiation weak = parties.initiation;
  weak.unencrypted_ephemeral = {};
  EXPECT_FALSE(identify_initiator(parties.responder, weak));

  ResponderHandshake weak_handshake = *received;
  weak_handshake.remote_ephemeral = X25519PublicKey({});
  EXPECT_FALSE(create_response(weak_handshake, parties.to_initiator, filled(0x44), 8, parties.response));

  ASSERT_TRUE(create_response(*received, parties.to_initiator, filled(0x44), 8, parties.response));
  parties.response.unencrypted_ephemeral = {};
  EXPECT_FALSE(consume_response(*sent, parties.initiator, parties.to_responder, parties.response));
}

}  // namespace
}  // namespace isthmus::tunnel
