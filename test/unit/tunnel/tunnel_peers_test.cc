// Peers that come, change, move and go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/tunnel/two_sides.h"

namespace isthmus::tunnel {
namespace {

constexpr Endpoint kElsewhere{Ipv4Address{0x0a000009}, 999};

class PeersTest : public testing::Test, protected TwoSides {};

TEST_F(PeersTest, AConfiguredEndpointIsAnnounced) {
  connect();
  EXPECT_THAT(a.endpoints, testing::ElementsAre(kEndpointB));
  EXPECT_EQ(a.tunnel->view(kPeer).endpoint, kEndpointB);
}

TEST_F(PeersTest, AnEndpointIsLearnedFromAHandshake) {
  a.add(Side::settings_for(b));
  auto settings = Side::settings_for(a);
  settings.endpoint.reset();
  b.add(settings);
  EXPECT_TRUE(b.endpoints.empty());
  a.send_data();
  network.advance(100ms);
  EXPECT_THAT(b.endpoints, testing::ElementsAre(kEndpointA));
  EXPECT_TRUE(b.ready());
}

TEST_F(PeersTest, WithoutAnEndpointNothingIsSent) {
  auto settings = Side::settings_for(b);
  settings.endpoint.reset();
  settings.initiate_at_once = true;
  a.add(settings);
  a.send_data();
  network.advance(200s);
  EXPECT_TRUE(network.sent.empty());
  EXPECT_EQ(a.failures.size(), 1U) << "packets that wait are told, once";
}

TEST_F(PeersTest, TheInitiationWaitsForAnEndpoint) {
  b.add(Side::settings_for(a));
  auto settings = Side::settings_for(b);
  settings.endpoint.reset();
  settings.initiate_at_once = true;
  a.add(settings);
  EXPECT_EQ(a.tunnel->view(kPeer).attempting_since, network.instant());
  const Instant began = network.instant();
  network.advance(3s);
  EXPECT_TRUE(network.sent.empty());
  EXPECT_EQ(a.tunnel->view(kPeer).attempting_since, began);
  settings.endpoint = kEndpointB;
  a.tunnel->update_peer(kPeer, settings, network.now());
  network.advance(100ms);
  EXPECT_TRUE(a.ready()) << "no retry's time has to pass";
  EXPECT_EQ(a.tunnel->view(kPeer).attempting_since, std::nullopt);
}

TEST_F(PeersTest, RoamsWithDataAndWithHandshakes) {
  agree();
  a.endpoint = kElsewhere;
  a.send_data();
  network.advance(20ms);
  EXPECT_EQ(b.tunnel->view(kPeer).endpoint, kElsewhere);
  EXPECT_EQ(b.endpoints.back(), kElsewhere);
  b.send_data();
  network.advance(20ms);
  EXPECT_EQ(a.data_received, 1);

  a.endpoint = kEndpointA;
  network.advance(kRekeyTimeout);
  a.link->sending.load()->reserve_nonces(kRekeyAfterMessages);
  network.lose = [](const Datagram& datagram) { return datagram.type() != MessageType::kInitiation; };
  network.advance(120ms);
  EXPECT_EQ(b.tunnel->view(kPeer).endpoint, kEndpointA);
}

TEST_F(PeersTest, RoamingToTheSamePlaceIsNoNews) {
  agree();
  const auto before = b.endpoints.size();
  b.tunnel->roam(kPeer, kEndpointA);
  EXPECT_EQ(b.endpoints.size(), before);
}

TEST_F(PeersTest, TheSameSettingsTouchNothing) {
  agree();
  b.tunnel->roam(kPeer, kElsewhere);
  const Session* session = b.link->sending.load();
  const auto endpoints = b.endpoints.size();
  const auto sent = network.sent.size();
  b.tunnel->update_peer(kPeer, Side::settings_for(a), network.now());
  b.tunnel->set_identity(b.private_key);
  EXPECT_EQ(b.link->sending.load(), session);
  EXPECT_EQ(b.tunnel->view(kPeer).endpoint, kElsewhere) << "the learned endpoint stays";
  EXPECT_EQ(b.endpoints.size(), endpoints);
  EXPECT_EQ(network.sent.size(), sent);
  EXPECT_TRUE(b.retired.empty());
}

TEST_F(PeersTest, ANewConfiguredEndpointReplacesTheLearnedOne) {
  agree();
  const Session* session = b.link->sending.load();
  b.tunnel->roam(kPeer, kElsewhere);
  auto settings = Side::settings_for(a);
  settings.endpoint = Endpoint{Ipv4Address{0x0a00000b}, 11};
  b.tunnel->update_peer(kPeer, settings, network.now());
  EXPECT_EQ(b.endpoints.back(), *settings.endpoint);
  EXPECT_EQ(b.link->sending.load(), session);
  // Taking the configured one away leaves what is known.
  settings.endpoint.reset();
  b.tunnel->update_peer(kPeer, settings, network.now());
  EXPECT_EQ(b.tunnel->view(kPeer).endpoint, (Endpoint{Ipv4Address{0x0a00000b}, 11}));
}

TEST_F(PeersTest, ANewIdentityIsShownToPeersThatShallBeConnected) {
  agree();
  auto settings = Side::settings_for(b);
  settings.initiate_at_once = true;
  a.tunnel->update_peer(kPeer, settings, network.now());
  SecretKey other;
  other.bytes.fill(0x44);
  const auto sent = network.sent.size();
  a.tunnel->set_identity(other);
  network.advance(kRekeyTimeout + 200ms);
  EXPECT_GT(network.sent.size(), sent);
}

TEST_F(PeersTest, TheIdentityMayComeAfterThePeers) {
  a.tunnel = std::make_unique<Tunnel>(a, *a.table);
  connect();
  a.send_data();
  network.advance(1s);
  EXPECT_TRUE(network.sent.empty());
  a.tunnel->set_identity(a.private_key);
  a.tunnel->want_session(kPeer, network.now());
  network.advance(100ms);
  EXPECT_TRUE(a.ready());
  EXPECT_EQ(b.data_received, 1);
}

TEST_F(PeersTest, RemovalLeavesNothingBehind) {
  agree();
  const std::uint32_t index = a.link->sending.load()->local_index;
  a.tunnel->remove_peer(kPeer);
  EXPECT_EQ(a.link->sending.load(), nullptr);
  EXPECT_EQ(a.table->find(index), nullptr);
  EXPECT_EQ(a.retired.size(), 1U);
  // Late wishes of workers about the removed peer, and its messages, do no harm.
  a.tunnel->want_session(kPeer, network.now());
  a.tunnel->confirm(index, network.now());
  a.tunnel->roam(kPeer, kElsewhere);
  b.tunnel->tick(network.now());
  network.advance(1s);
  a.add(Side::settings_for(b));
  network.advance(kRekeyTimeout);
  a.send_data();
  network.advance(100ms);
  EXPECT_TRUE(a.ready());
}

TEST_F(PeersTest, AnAnswerToARemovedPeerIsUnawaited) {
  connect();
  a.tunnel->want_session(kPeer, network.now());
  a.tunnel->remove_peer(kPeer);
  network.advance(100ms);
  EXPECT_EQ(a.refused, std::vector{Admission::kUnawaited});
  EXPECT_EQ(free_indexes(*a.table), 64U);
}

TEST_F(PeersTest, SwappedKeys) {
  PeerLink second;
  Side c(network, {Ipv4Address{0x0a000003}, 3000}, 0x33);
  c.add(Side::settings_for(b));
  connect();
  b.tunnel->add_peer(LaneId{PeerIndex{1}}, Side::settings_for(c), second, network.now());
  b.tunnel->update_peer(kPeer, Side::settings_for(c), network.now());
  b.tunnel->update_peer(LaneId{PeerIndex{1}}, Side::settings_for(a), network.now());
  a.tunnel->want_session(kPeer, network.now());
  network.advance(15ms);
  EXPECT_EQ(b.tunnel->view(LaneId{PeerIndex{1}}).handshake_bytes_received, sizeof(MessageInitiation));
  c.tunnel->want_session(kPeer, network.now());
  network.advance(15ms);
  EXPECT_EQ(b.tunnel->view(kPeer).handshake_bytes_received, sizeof(MessageInitiation));
}

TEST_F(PeersTest, DestructionFreesWhatItHolds) {
  agree();
  a.tunnel.reset();
  EXPECT_EQ(a.link->sending.load(), nullptr);
  EXPECT_EQ(free_indexes(*a.table), 64U);
  network.detach(a);
}

TEST(HandshakeEventNames, AreDistinct) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(HandshakeEvent::kCount); ++i) {
    names.push_back(to_string(static_cast<HandshakeEvent>(i)));
    EXPECT_FALSE(names.back().empty());
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(names[j], names[i]);
  }
}

}  // namespace
}  // namespace isthmus::tunnel
