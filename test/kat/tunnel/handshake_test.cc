// A whole handshake with fixed keys, byte for byte as a second implementation made it: sections 5.4.2 to 5.4.5 written
// down once more in Python with hashlib, hmac and cryptography.
#include <gtest/gtest.h>

#include <cstring>

#include "test/kat/tunnel/hex.h"
#include "tunnel/cookie.h"
#include "tunnel/handshake.h"

namespace isthmus::tunnel {
namespace {

constexpr std::string_view kInitiation =
    "01000000d4c3b2a17b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4cb8a1b1481e498317da959fb"
    "a46669572516a5e6c021bfa620bb6c56ca0082e1feae14988c2c64d024c617734a263f76a008df04d0f94bad8ee75ec8"
    "fdc269556d4f0a1ae3113236ea7e5b5801953fa002f5fe76c2083ee35dad0d0d08678239000000000000000000000000"
    "00000000";
constexpr std::string_view kResponse =
    "0200000004030201d4c3b2a1ff2ee45601ec1b67310c7790404585ae697331eee1c1f8cf2419731c1fff3e6bc96dee4b"
    "18c5a823c3c88bd30a0d981ac241587130887f5d3352db9ab4ca9d8b00000000000000000000000000000000";
constexpr std::string_view kInitiatorSends = "a007faf842d83f5bd3be20a14e0ffcec34c84867b78b051980602713205922de";
constexpr std::string_view kResponderSends = "d982d5cd10d34a7802b6c19fa441cd9164d70e4f4d62007ab416879ee8bd1b99";

SecretKey filled(std::uint8_t byte) {
  SecretKey key;
  key.bytes.fill(byte);
  return key;
}

template <typename Message>
void add_macs(const PublicKey& remote, Message& message) {
  CookieJar(remote).add_macs({reinterpret_cast<std::uint8_t*>(&message), sizeof(message)}, Instant{1s});
}

TEST(HandshakeVectors, EveryByte) {
  const X25519Key initiator(filled(0x11));
  const X25519Key responder(filled(0x22));
  const SecretKey preshared = filled(0x55);
  const RemoteIdentity to_responder = prepare_remote(initiator, responder.public_key(), preshared);
  const RemoteIdentity to_initiator = prepare_remote(responder, initiator.public_key(), preshared);
  const Timestamp timestamp = make_timestamp({1'700'000'000, 0x1c000000}, {});

  MessageInitiation initiation{};
  const auto sent = create_initiation(initiator, to_responder, filled(0x33), timestamp, 0xa1b2c3d4, initiation);
  ASSERT_TRUE(sent);
  add_macs(responder.public_key(), initiation);
  EXPECT_EQ(hex(bytes_of(initiation)), kInitiation);

  auto received = identify_initiator(responder, initiation);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->remote_static, initiator.public_key());
  EXPECT_EQ(consume_initiation(*received, to_initiator, initiation), timestamp);

  MessageResponse response{};
  const auto responder_keys = create_response(*received, to_initiator, filled(0x44), 0x01020304, response);
  ASSERT_TRUE(responder_keys);
  add_macs(initiator.public_key(), response);
  EXPECT_EQ(hex(bytes_of(response)), kResponse);
  EXPECT_EQ(hex(responder_keys->sending.bytes), kResponderSends);
  EXPECT_EQ(hex(responder_keys->receiving.bytes), kInitiatorSends);

  const auto initiator_keys = consume_response(*sent, initiator, to_responder, response);
  ASSERT_TRUE(initiator_keys);
  EXPECT_EQ(hex(initiator_keys->sending.bytes), kInitiatorSends);
  EXPECT_EQ(hex(initiator_keys->receiving.bytes), kResponderSends);
}

}  // namespace
}  // namespace isthmus::tunnel
