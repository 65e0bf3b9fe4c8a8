// Lanes: peers with one key, told apart by the port that a message comes to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "test/unit/tunnel/two_sides.h"

namespace isthmus::tunnel {
namespace {

using testing::ElementsAre;

constexpr LaneId kSecond{PeerIndex{0}, 1};

// A tunnel with two lanes to one peer; messages are carried by hand.
class TwoLanes final : public TunnelHost {
 public:
  struct Sent {
    LaneId lane;
    Endpoint to;
    std::vector<std::uint8_t> bytes;
  };

  TwoLanes(std::uint8_t own, std::uint8_t other) : next_(own) {
    SecretKey private_key;
    SecretKey others;
    private_key.bytes.fill(own);
    others.bytes.fill(other);
    tunnel.set_identity(private_key);
    for (const LaneId lane : {kPeer, kSecond}) {
      PeerSettings settings;
      settings.public_key = public_key_of(others);
      settings.endpoint = Endpoint{Ipv4Address{0x0a000000U + other}, static_cast<std::uint16_t>(7000 + lane.number)};
      settings.initiate_at_once = false;
      tunnel.add_peer(lane, settings, links[lane], now);
    }
  }
  ~TwoLanes() override = default;

  void receive(const Sent& message, const Endpoint& from) {
    tunnel.receive(message.bytes, from, message.lane.number, now);
  }
  Sent take() {
    Sent first = std::move(sent.front());
    sent.erase(sent.begin());
    return first;
  }
  std::uint64_t count(HandshakeEvent event) const { return tunnel.counts()[static_cast<std::size_t>(event)]; }

  void send(LaneId lane, const Endpoint& to, std::span<const std::uint8_t> message) override {
    sent.push_back({lane, to, {message.begin(), message.end()}});
  }
  void send_keepalive(LaneId lane, Session&) override { keepalives.push_back(lane); }
  void endpoint_changed(LaneId lane, const Endpoint& endpoint) override { endpoints[lane] = endpoint; }
  void session_ready(LaneId lane) override { ready.push_back(lane); }
  void session_failed(LaneId) override {}
  void usable_changed(LaneId lane, bool is) override { usable[lane] = is; }
  void arrivals(LaneId, const ArrivalNews&) override {}
  void retire(std::unique_ptr<Session>) override {}
  void fill_random(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) byte = next_++;
  }

  Now now{Instant{1000s}, {1'700'000'000, 0}};
  SessionTable table{64};
  std::map<LaneId, PeerLink> links;
  Tunnel tunnel{*this, table};
  std::vector<Sent> sent;
  std::vector<LaneId> keepalives;
  std::vector<LaneId> ready;
  std::map<LaneId, Endpoint> endpoints;
  std::map<LaneId, bool> usable;

 private:
  std::uint8_t next_;
};

constexpr Endpoint kFromA{Ipv4Address{0x0a000011}, 7000};
constexpr Endpoint kFromA1{Ipv4Address{0x0a000011}, 7001};
constexpr Endpoint kFromB1{Ipv4Address{0x0a000022}, 7001};

class LanesTest : public testing::Test {
 protected:
  TwoLanes a{0x11, 0x22};
  TwoLanes b{0x22, 0x11};
};

TEST_F(LanesTest, EachHasSessionsOfItsOwn) {
  a.tunnel.want_session(kSecond, a.now);
  const TwoLanes::Sent initiation = a.take();
  EXPECT_EQ(initiation.lane, kSecond);
  EXPECT_EQ(initiation.to.port, 7001);
  b.receive(initiation, kFromA1);
  a.receive(b.take(), kFromB1);
  EXPECT_THAT(a.ready, ElementsAre(kSecond));
  EXPECT_THAT(a.keepalives, ElementsAre(kSecond));
  EXPECT_EQ(a.links[kPeer].sending.load(), nullptr);
  ASSERT_NE(a.links[kSecond].sending.load(), nullptr);
  EXPECT_EQ(a.links[kSecond].sending.load()->lane, kSecond);
  EXPECT_TRUE(a.usable[kSecond]);
  EXPECT_FALSE(a.usable[kPeer]);
}

TEST_F(LanesTest, AnAnswerAtAnotherLanesPortIsNone) {
  a.tunnel.want_session(kSecond, a.now);
  b.receive(a.take(), kFromA1);
  TwoLanes::Sent response = b.take();
  response.lane = kPeer;
  a.receive(response, kFromB1);
  EXPECT_EQ(a.count(HandshakeEvent::kRefusedUnknownIndex), 1U);
  response.lane = kSecond;
  a.receive(response, kFromB1);
  EXPECT_EQ(a.count(HandshakeEvent::kCompleted), 1U);
}

TEST_F(LanesTest, APortWithoutALaneKnowsNobody) {
  a.tunnel.want_session(kSecond, a.now);
  b.tunnel.remove_peer(kSecond);
  b.receive(a.take(), kFromA1);
  EXPECT_EQ(b.count(HandshakeEvent::kRefusedUnknownPeer), 1U);
}

// An initiation to one lane, replayed to the other, which has seen none: it must not move that lane's endpoint.
TEST_F(LanesTest, AReplayToAnotherLaneMovesNothing) {
  constexpr Endpoint kAttacker{Ipv4Address{0x0a0000ee}, 666};
  a.tunnel.want_session(kPeer, a.now);
  TwoLanes::Sent initiation = a.take();
  b.receive(initiation, kFromA);
  initiation.lane = kSecond;
  b.receive(initiation, kAttacker);
  EXPECT_EQ(b.endpoints[kSecond], kFromA1) << "as configured";
  EXPECT_EQ(b.sent.back().to, kAttacker) << "the answer is worth nothing to whoever has no key";
  // The true one is newer.
  a.now.instant += kRekeyTimeout;
  a.now.wall.seconds += 5;
  a.tunnel.want_session(kSecond, a.now);
  constexpr Endpoint kMoved{Ipv4Address{0x0a000012}, 7001};
  b.now.instant += kRekeyTimeout;
  b.receive(a.take(), kMoved);
  EXPECT_EQ(b.endpoints[kSecond], kMoved);
}

class UsableTest : public testing::Test, protected TwoSides {};

TEST_F(UsableTest, AsLongAsThePeerAnswers) {
  agree();
  EXPECT_THAT(a.usables, ElementsAre(true));
  for (int i = 0; i < 300; ++i) {
    a.send_data();
    network.advance(1s);
  }
  EXPECT_THAT(a.usables, ElementsAre(true)) << "a rekey is no failure";
  network.lose = [](const Datagram&) { return true; };
  const Instant cut = network.instant();
  while (a.usables.size() == 1 && network.instant() - cut < 60s) {
    a.send_data();
    network.advance(100ms);
  }
  EXPECT_THAT(a.usables, ElementsAre(true, false));
  EXPECT_LE(network.instant() - cut, kKeepaliveTimeout + kRekeyTimeout + 2 * kRekeyTimeout + 1s);
  network.lose = [](const Datagram&) { return false; };
  network.advance(6s);
  EXPECT_THAT(a.usables, ElementsAre(true, false, true));
}

TEST_F(UsableTest, AnExpiredSessionIsNone) {
  agree();
  network.advance(kRejectAfterTime + 1s);
  EXPECT_THAT(a.usables, ElementsAre(true, false));
}

}  // namespace
}  // namespace isthmus::tunnel
