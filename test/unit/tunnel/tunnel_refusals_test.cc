// What a tunnel refuses, why it says so, and that it stays silent.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>

#include "test/unit/tunnel/two_sides.h"
#include "tunnel/cookie.h"

namespace isthmus::tunnel {
namespace {

class RefusalTest : public testing::Test, protected TwoSides {
 protected:
  RefusalTest() { connect(); }

  // The last message of that type, as it was sent.
  std::vector<std::uint8_t> last(MessageType type) const {
    const auto found = std::find_if(network.sent.rbegin(), network.sent.rend(),
                                    [type](const Datagram& datagram) { return datagram.type() == type; });
    return found == network.sent.rend() ? std::vector<std::uint8_t>{} : found->bytes;
  }
  std::vector<std::uint8_t> initiation_of_a() {
    a.tunnel->want_session(kPeer, network.now());
    return last(MessageType::kInitiation);
  }
  void lose_everything() {
    network.lose = [](const Datagram&) { return true; };
  }
  // b counts exactly this event, sends nothing and believes nothing.
  void expect_refused(std::span<const std::uint8_t> message, HandshakeEvent event,
                      const Endpoint& source = kEndpointA) {
    HandshakeCounts expected = b.tunnel->counts();
    ++expected[static_cast<std::size_t>(event)];
    const auto sent_before = network.sent.size();
    const auto endpoint_before = b.tunnel->view(kPeer).endpoint;
    b.tunnel->receive(message, source, 0, network.now());
    EXPECT_EQ(b.tunnel->counts(), expected) << to_string(event);
    EXPECT_EQ(network.sent.size(), sent_before) << to_string(event);
    EXPECT_EQ(b.tunnel->view(kPeer).endpoint, endpoint_before) << to_string(event);
  }
  template <typename Message>
  static void fix_mac1(std::vector<std::uint8_t>& message, const PublicKey& receiver) {
    ASSERT_EQ(message.size(), sizeof(Message));
    CookieJar(receiver).add_macs(message, Instant{1s});
  }
};

TEST_F(RefusalTest, Malformed) {
  lose_everything();
  const auto good = initiation_of_a();
  for (std::size_t length = 0; length < good.size() + 2; ++length) {
    if (length == good.size()) continue;
    auto message = good;
    message.resize(length);
    expect_refused(message, HandshakeEvent::kRefusedMalformed);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    auto message = good;
    message[i] = static_cast<std::uint8_t>(message[i] ^ 0x80);
    expect_refused(message, HandshakeEvent::kRefusedMalformed);
  }
  auto message = good;
  message[0] = static_cast<std::uint8_t>(MessageType::kResponse);
  expect_refused(message, HandshakeEvent::kRefusedMalformed);
}

TEST_F(RefusalTest, EveryFlippedBitOfAnInitiation) {
  lose_everything();
  const auto good = initiation_of_a();
  for (std::size_t byte = 4; byte < sizeof(MessageInitiation) - kMacSize; ++byte) {
    auto message = good;
    message[byte] ^= 0x40;
    expect_refused(message, HandshakeEvent::kRefusedMac1);
  }
  // With mac1 made right again the cryptography itself has to find it; the sender's index alone is not authenticated.
  for (std::size_t byte = offsetof(MessageInitiation, unencrypted_ephemeral); byte < offsetof(MessageInitiation, macs);
       ++byte) {
    auto message = good;
    message[byte] ^= 0x40;
    fix_mac1<MessageInitiation>(message, b.public_key());
    expect_refused(message, HandshakeEvent::kRefusedDecryption);
  }
  b.tunnel->receive(good, kEndpointA, 0, network.now());
  EXPECT_EQ(b.count(HandshakeEvent::kInitiationReceived), 1U);
}

TEST_F(RefusalTest, EveryFlippedBitOfAResponse) {
  network.lose = [](const Datagram& datagram) { return datagram.type() == MessageType::kResponse; };
  b.tunnel->want_session(kPeer, network.now());
  network.advance(15ms);
  const auto good = last(MessageType::kResponse);
  ASSERT_FALSE(good.empty());
  for (std::size_t byte = offsetof(MessageResponse, unencrypted_ephemeral); byte < offsetof(MessageResponse, macs);
       ++byte) {
    auto message = good;
    message[byte] ^= 0x01;
    fix_mac1<MessageResponse>(message, b.public_key());
    expect_refused(message, HandshakeEvent::kRefusedDecryption);
  }
  auto message = good;
  message[offsetof(MessageResponse, receiver_index)] ^= 0x01;
  fix_mac1<MessageResponse>(message, b.public_key());
  expect_refused(message, HandshakeEvent::kRefusedUnknownIndex);
  // After all this the true one still completes the handshake, once.
  b.tunnel->receive(good, kEndpointA, 0, network.now());
  EXPECT_TRUE(b.ready());
  expect_refused(good, HandshakeEvent::kRefusedUnknownIndex);
}

TEST_F(RefusalTest, UnknownPeer) {
  Side stranger(network, {Ipv4Address{0x0a000003}, 3000}, 0x33);
  stranger.add(Side::settings_for(b));
  lose_everything();
  stranger.tunnel->want_session(kPeer, network.now());
  expect_refused(last(MessageType::kInitiation), HandshakeEvent::kRefusedUnknownPeer, stranger.endpoint);
}

TEST_F(RefusalTest, ReplayedAndOlderInitiations) {
  lose_everything();
  const auto first = initiation_of_a();
  network.advance(6s);
  const auto second = last(MessageType::kInitiation);
  ASSERT_NE(first, second);
  b.tunnel->receive(second, kEndpointA, 0, network.now());
  network.advance(1s);
  expect_refused(second, HandshakeEvent::kRefusedReplayedTimestamp, {Ipv4Address{0x0a0000ff}, 9});
  expect_refused(first, HandshakeEvent::kRefusedReplayedTimestamp);
}

TEST_F(RefusalTest, InitiationsInAFlood) {
  lose_everything();
  const auto first = initiation_of_a();
  network.advance(6s);
  const auto second = last(MessageType::kInitiation);
  b.tunnel->receive(first, kEndpointA, 0, network.now());
  Now later = network.now();
  later.instant += 19ms;
  const auto flood = static_cast<std::size_t>(HandshakeEvent::kRefusedFlood);
  b.tunnel->receive(second, kEndpointA, 0, later);
  EXPECT_EQ(b.tunnel->counts()[flood], 1U);
  later.instant += 1ms;
  b.tunnel->receive(second, kEndpointA, 0, later);
  EXPECT_EQ(b.tunnel->counts()[flood], 1U);
  EXPECT_EQ(b.count(HandshakeEvent::kInitiationReceived), 2U);
}

TEST_F(RefusalTest, PresharedKeysThatDiffer) {
  auto settings = Side::settings_for(b);
  settings.preshared_key.bytes.fill(7);
  a.tunnel->update_peer(kPeer, settings, network.now());
  a.send_data();
  network.advance(100ms);
  EXPECT_EQ(a.count(HandshakeEvent::kRefusedDecryption), 1U);
  EXPECT_FALSE(a.ready());
  EXPECT_FALSE(b.ready());
  settings = Side::settings_for(a);
  settings.preshared_key.bytes.fill(7);
  b.tunnel->update_peer(kPeer, settings, network.now());
  network.advance(6s);
  EXPECT_TRUE(a.ready());
  EXPECT_TRUE(b.ready());
}

TEST_F(RefusalTest, KeysOfLowOrder) {
  auto settings = Side::settings_for(b);
  settings.public_key = {};
  a.tunnel->update_peer(kPeer, settings, network.now());
  a.send_data();
  network.advance(100s);
  EXPECT_EQ(a.count(HandshakeEvent::kInitiationSent), 0U);
  EXPECT_EQ(a.failures.size(), 1U);
  // An ephemeral of low order, with a valid mac1.
  std::vector<std::uint8_t> message(sizeof(MessageInitiation));
  message[0] = 1;
  fix_mac1<MessageInitiation>(message, b.public_key());
  expect_refused(message, HandshakeEvent::kRefusedDecryption);
}

TEST_F(RefusalTest, FullTable) {
  while (b.table->reserve_index(0) != 0) {
  }
  a.send_data();
  network.advance(100ms);
  EXPECT_EQ(b.count(HandshakeEvent::kRefusedTableFull), 1U);
  EXPECT_EQ(b.count(HandshakeEvent::kResponseSent), 0U);
  b.send_data();
  EXPECT_EQ(b.count(HandshakeEvent::kRefusedTableFull), 2U);
  EXPECT_EQ(b.count(HandshakeEvent::kInitiationSent), 0U);
}

TEST_F(RefusalTest, WithoutAnIdentity) {
  lose_everything();
  const auto message = initiation_of_a();
  Tunnel nobody(b, *b.table);
  nobody.receive(message, kEndpointA, 0, network.now());
  EXPECT_EQ(nobody.counts()[static_cast<std::size_t>(HandshakeEvent::kRefusedMac1)], 1U);
}

TEST_F(RefusalTest, CookieUnderLoad) {
  b.under_load = true;
  a.send_data();
  network.advance(4s);
  EXPECT_EQ(b.cookies_sent, 1);
  EXPECT_EQ(b.count(HandshakeEvent::kInitiationReceived), 0U);
  EXPECT_EQ(a.count(HandshakeEvent::kCookieReceived), 1U);
  EXPECT_EQ(a.tunnel->view(kPeer).handshake_bytes_received, sizeof(MessageCookieReply));
  network.advance(2s);
  EXPECT_TRUE(a.ready());
  EXPECT_TRUE(b.ready());
  EXPECT_EQ(b.cookies_sent, 1);

  // The cookie is good for two minutes, so the rekey needs no other: but not for a later one.
  for (int i = 0; i < 250; ++i) {
    a.send_data();
    network.advance(1s);
  }
  EXPECT_GE(b.cookies_sent, 2);
  EXPECT_EQ(b.data_received, a.data_sent);
}

// It names an index that only who has seen the initiation knows.
TEST_F(RefusalTest, AResponseNeedsNoCookie) {
  a.under_load = true;
  a.send_data();
  network.advance(100ms);
  EXPECT_EQ(a.cookies_sent, 0);
  EXPECT_TRUE(a.ready());
  EXPECT_TRUE(b.ready());
}

TEST_F(RefusalTest, CookieRepliesToNobody) {
  lose_everything();
  b.tunnel->want_session(kPeer, network.now());
  a.under_load = true;
  a.receive({network.instant(), kEndpointB, kEndpointA, last(MessageType::kInitiation)});
  const auto good = last(MessageType::kCookieReply);
  ASSERT_FALSE(good.empty());
  for (std::size_t byte = offsetof(MessageCookieReply, nonce); byte < good.size(); ++byte) {
    auto message = good;
    message[byte] ^= 0x10;
    expect_refused(message, HandshakeEvent::kRefusedDecryption);
  }
  auto message = good;
  message[offsetof(MessageCookieReply, receiver_index)] ^= 0x01;
  expect_refused(message, HandshakeEvent::kRefusedUnknownIndex);
  b.tunnel->receive(good, kEndpointA, 0, network.now());
  EXPECT_EQ(b.count(HandshakeEvent::kCookieReceived), 1U);
  expect_refused(good, HandshakeEvent::kRefusedDecryption);
}

}  // namespace
}  // namespace isthmus::tunnel
