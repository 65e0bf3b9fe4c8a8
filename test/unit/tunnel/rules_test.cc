// Every rule of the paper, by its name there, with a clock that only the test moves. What a rule looks like from all
// sides stands in tunnel_test, tunnel_refusals_test, tunnel_peers_test and peer_timers_test; that packets wait for the
// first handshake, bounded and counted, in test/unit/service/gateway_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <set>

#include "test/support/memory_search.h"
#include "test/unit/tunnel/two_sides.h"
#include "tunnel/cookie.h"

namespace isthmus::tunnel {
namespace {

constexpr Endpoint kElsewhere{Ipv4Address{0x0a0000ff}, 9999};
constexpr Duration kTick = 100ms;

class Rules : public testing::Test, protected TwoSides {
 protected:
  std::vector<Instant> initiations() const {
    std::vector<Instant> times;
    for (const Datagram& datagram : network.sent) {
      if (datagram.type() == MessageType::kInitiation) times.push_back(datagram.due - network.delay);
    }
    return times;
  }
  void advance_to(Instant instant) { network.advance(instant - network.instant()); }
  void lose_everything() {
    network.lose = [](const Datagram&) { return true; };
  }
  void lose_data() {
    network.lose = [](const Datagram& datagram) { return datagram.type() == MessageType::kData; };
  }
  // What is sent is lost, and remembered.
  void capture() {
    network.lose = [this](const Datagram& datagram) {
      captured_.push_back(datagram);
      return true;
    };
  }
  Instant created(const Side& side) const { return side.link->sending.load()->created; }
  std::optional<Endpoint> where_b_sees_a() const { return b.tunnel->view(kPeer).endpoint; }

  std::vector<Datagram> captured_;
};

TEST_F(Rules, RekeyAfterTime) {
  agree();
  const Instant begin = created(a);
  advance_to(begin + 120s - kTick);
  a.send_data();
  network.advance(kTick - 1ms);
  EXPECT_EQ(initiations().size(), 1U);
  advance_to(begin + 120s);
  EXPECT_EQ(initiations().size(), 1U) << "nobody sends";
  a.send_data();
  network.advance(kTick);
  EXPECT_EQ(initiations().size(), 2U);
}

TEST_F(Rules, RejectAfterTime) {
  agree();
  const Instant begin = created(a);
  capture();
  advance_to(begin + 179s);
  a.send_data();
  a.send_data();
  ASSERT_EQ(captured_.size(), 2U);
  const std::vector<Datagram> messages = captured_;
  // The responder agreed a little earlier.
  advance_to(created(b) + 180s - 1ns);
  EXPECT_TRUE(a.ready());
  b.receive(messages[0]);
  EXPECT_EQ(b.data_received, 1);
  advance_to(begin + 180s);
  b.receive(messages[1]);
  EXPECT_EQ(b.data_received, 1);
  EXPECT_EQ(b.data_refused, 1);
  network.advance(kTick);
  EXPECT_FALSE(a.ready()) << "nothing is sealed any more";
  EXPECT_FALSE(b.ready());
}

TEST_F(Rules, RekeyTimeoutWithJitter) {
  connect();
  lose_everything();
  a.send_data();
  network.advance(kRekeyAttemptTime);
  const auto times = initiations();
  ASSERT_GE(times.size(), 16U);
  std::set<Duration> distances;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const Duration distance = times[i] - times[i - 1];
    EXPECT_GE(distance, 5s);
    EXPECT_LT(distance, 5s + 333ms + kTick);
    distances.insert(distance);
  }
  EXPECT_GE(distances.size(), 3U) << "two sides that collide once must not collide for ever";
}

TEST_F(Rules, RekeyAttemptTime) {
  connect();
  lose_everything();
  a.send_data();
  const Instant begin = network.instant();
  network.advance(90s - 1ms);
  EXPECT_TRUE(a.failures.empty());
  network.advance(1ms);
  ASSERT_EQ(a.failures.size(), 1U);
  EXPECT_EQ(a.failures[0], begin + 90s);
  const std::size_t tried = initiations().size();
  network.advance(60s);
  EXPECT_EQ(initiations().size(), tried) << "silent until somebody wants it again";
  a.send_data();
  EXPECT_EQ(initiations().size(), tried + 1);
}

TEST_F(Rules, KeepaliveTimeout) {
  agree();
  network.advance(1s);
  b.keepalive_times.clear();
  a.send_data();
  network.advance(network.delay);
  const Instant received = network.instant();
  ASSERT_EQ(b.data_received, 1);
  advance_to(received + 10s - 1ms);
  EXPECT_TRUE(b.keepalive_times.empty());
  network.advance(kTick);
  EXPECT_EQ(b.keepalive_times.size(), 1U);
  // Neither is a keepalive answered by one, nor is there a second.
  network.advance(60s);
  EXPECT_EQ(b.keepalive_times.size(), 1U);
}

// The other half of section 6.5: what stays unanswered for KEEPALIVE_TIMEOUT + REKEY_TIMEOUT is a broken session.
TEST_F(Rules, NewHandshakeWithoutAnAnswer) {
  agree();
  network.advance(1s);
  lose_data();
  a.send_data();
  const Instant sent = network.instant();
  advance_to(sent + 15s - 1ms);
  EXPECT_EQ(initiations().size(), 1U);
  network.advance(kTick);
  EXPECT_EQ(initiations().size(), 2U);
}

TEST_F(Rules, RekeyAfterMessages) {
  EXPECT_EQ(kRekeyAfterMessages, std::uint64_t{1} << 60);
  for (const bool by_initiator : {true, false}) {
    TwoSides sides;
    sides.agree();
    Side& side = by_initiator ? sides.a : sides.b;
    sides.network.advance(kRekeyTimeout);
    Session& session = *side.link->sending.load();
    session.reserve_nonces(kRekeyAfterMessages - 1 - session.nonces_used());
    sides.network.advance(kTick);
    EXPECT_EQ(side.link->sending.load(), &session);
    side.send_data();
    sides.network.advance(2 * kTick);
    EXPECT_NE(side.link->sending.load(), &session);
    EXPECT_TRUE(side.link->sending.load()->initiator);
  }
}

TEST_F(Rules, RejectAfterMessages) {
  EXPECT_EQ(kRejectAfterMessages, std::uint64_t{0} - (std::uint64_t{1} << 13) - 1);
  agree();
  lose_everything();
  Session& session = *a.link->sending.load();
  session.reserve_nonces(kRejectAfterMessages - 1 - session.nonces_used());
  network.advance(kTick);
  EXPECT_TRUE(a.ready());
  EXPECT_EQ(session.reserve_nonces(1), kRejectAfterMessages - 1) << "the last one";
  network.advance(kTick);
  EXPECT_FALSE(a.ready());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(session.reserve_nonces(64), kRejectAfterMessages);
  // And who receives does not believe such a number either, whatever its tag says.
  ReplayWindow window;
  EXPECT_TRUE(window.accept(kRejectAfterMessages - 1));
  EXPECT_FALSE(window.may_accept(kRejectAfterMessages));
  EXPECT_FALSE(window.accept(kRejectAfterMessages));
}

TEST_F(Rules, PersistentKeepalive) {
  auto settings = Side::settings_for(b);
  settings.persistent_keepalive = 25s;
  a.add(settings);
  b.add(Side::settings_for(a));
  network.advance(1s);
  ASSERT_TRUE(a.ready()) << "it needs a session, so it begins one";
  a.keepalive_times.clear();
  const Instant begin = network.instant();
  network.advance(100s);
  ASSERT_GE(a.keepalive_times.size(), 3U);
  EXPECT_LE(a.keepalive_times[0] - begin, 25s);
  for (std::size_t i = 1; i < a.keepalive_times.size(); ++i) {
    EXPECT_GE(a.keepalive_times[i] - a.keepalive_times[i - 1], 25s);
    EXPECT_LE(a.keepalive_times[i] - a.keepalive_times[i - 1], 25s + kTick);
  }
}

// Not only unreachable: nowhere in the process, neither the transport keys nor the ephemeral ones.
TEST_F(Rules, ZeroingOfKeysAfterThreeRejectionTimes) {
  test::MemorySearch ephemeral;
  test::MemorySearch transport;
  a.on_random = b.on_random = [&ephemeral](std::span<const std::uint8_t> bytes) {
    if (bytes.size() == kKeySize) ephemeral.look_for(bytes.first<kKeySize>());
  };
  agree();
  const Session& session = *a.link->sending.load();
  transport.look_for(session.keys.sending.bytes);
  transport.look_for(session.keys.receiving.bytes);
  for (int i = 0; i < 3; ++i) {
    a.send_data();
    b.send_data();
    network.advance(100ms);
  }
  // Proves the search: each side has both keys. The ephemerals have done their work already.
  EXPECT_THAT(transport.copies(), testing::Each(testing::Ge(2U)));
  EXPECT_THAT(ephemeral.copies(), testing::AllOf(testing::SizeIs(testing::Ge(2U)), testing::Each(0U)));

  advance_to(created(b) + 3 * kRejectAfterTime - kTick);
  EXPECT_TRUE(a.retired.empty());
  network.advance(2 * kTick);
  ASSERT_EQ(a.retired.size(), 1U);
  ASSERT_EQ(b.retired.size(), 1U);
  a.retired.clear();  // no worker holds them
  b.retired.clear();
  EXPECT_THAT(transport.copies(), testing::Each(0U));
  EXPECT_THAT(ephemeral.copies(), testing::Each(0U));
}

TEST_F(Rules, Tai64nRefusesReplaysAndGrowsWhateverTheClockDoes) {
  connect();
  a.send_data();
  network.advance(50ms);
  ASSERT_TRUE(b.ready());
  const Datagram first = network.sent[0];
  ASSERT_EQ(first.type(), MessageType::kInitiation);
  network.advance(1s);
  const std::size_t sent = network.sent.size();
  b.receive(first);
  EXPECT_EQ(b.count(HandshakeEvent::kRefusedReplayedTimestamp), 1U);
  EXPECT_EQ(network.sent.size(), sent) << "a replay is not answered";
  // An hour back: our next initiation is newer nevertheless.
  network.wall_step = -1h;
  network.advance(kRekeyTimeout);
  a.link->sending.load()->reserve_nonces(kRekeyAfterMessages);
  network.advance(200ms);
  EXPECT_EQ(b.count(HandshakeEvent::kInitiationReceived), 2U);
  EXPECT_EQ(b.count(HandshakeEvent::kRefusedReplayedTimestamp), 1U);
  EXPECT_EQ(a.count(HandshakeEvent::kResponseReceived), 2U);
}

TEST_F(Rules, SilenceTowardsTheUnauthenticated) {
  agree();
  network.advance(1s);
  std::mt19937_64 random(1);
  const std::size_t sent = network.sent.size();
  const int keepalives = b.keepalives;
  std::size_t asked = 0;
  for (const std::size_t size : {0UL, 1UL, 31UL, 32UL, 64UL, 92UL, 148UL, 149UL, 1400UL}) {
    for (std::uint8_t type = 0; type < 6; ++type) {
      for (int again = 0; again < 8; ++again) {
        std::vector<std::uint8_t> bytes(size);
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
        if (size >= 4) std::fill(bytes.begin() + 1, bytes.begin() + 4, std::uint8_t{0});
        if (size >= 1) bytes[0] = type;
        b.tunnel->receive(bytes, kElsewhere, 0, network.now());
        ++asked;
      }
    }
  }
  // One who knows our public key, so that mac1 is right, and nothing else.
  for (const auto& [size, type] : {std::pair{sizeof(MessageInitiation), 1}, {sizeof(MessageResponse), 2}}) {
    std::vector<std::uint8_t> bytes(size, 0x5a);
    bytes[0] = static_cast<std::uint8_t>(type);
    bytes[1] = bytes[2] = bytes[3] = 0;
    CookieJar(b.public_key()).add_macs(bytes, network.instant());
    b.tunnel->receive(bytes, kElsewhere, 0, network.now());
    ++asked;
  }
  network.advance(30s);
  EXPECT_EQ(network.sent.size(), sent) << "after " << asked << " messages";
  EXPECT_EQ(b.keepalives, keepalives);
  EXPECT_EQ(where_b_sees_a(), kEndpointA);
}

TEST_F(Rules, RoamingOnAuthenticatedPacketsOnly) {
  agree();
  network.advance(kRekeyTimeout);
  capture();
  a.send_data();
  a.link->sending.load()->reserve_nonces(kRekeyAfterMessages);
  network.advance(kTick);
  ASSERT_EQ(captured_.size(), 2U);
  Datagram data = captured_[0];
  Datagram initiation = captured_[1];
  ASSERT_EQ(data.type(), MessageType::kData);
  ASSERT_EQ(initiation.type(), MessageType::kInitiation);
  data.from = initiation.from = kElsewhere;

  for (Datagram forged : {data, initiation}) {
    for (std::size_t byte = sizeof(DataHeader); byte < forged.bytes.size() - kMacSize; byte += 3) {
      forged.bytes[byte] ^= 1;
      b.receive(forged);
      ASSERT_EQ(where_b_sees_a(), kEndpointA) << byte;
      forged.bytes[byte] ^= 1;
    }
  }
  b.receive(data);
  EXPECT_EQ(where_b_sees_a(), kElsewhere);
  // Replays are authentic, and nevertheless from nobody.
  data.from = kEndpointA;
  b.receive(data);
  EXPECT_EQ(where_b_sees_a(), kElsewhere);
  initiation.from = kEndpointA;
  b.receive(initiation);
  EXPECT_EQ(where_b_sees_a(), kEndpointA);
  initiation.from = kElsewhere;
  network.advance(kTick);
  b.receive(initiation);
  EXPECT_EQ(where_b_sees_a(), kEndpointA);
}

TEST_F(Rules, KeySlotsTurnOnlyAfterATagHasVerified) {
  agree();
  network.advance(kRekeyTimeout);
  Session* const old = b.link->sending.load();
  a.link->sending.load()->reserve_nonces(kRekeyAfterMessages);
  network.lose = [this](const Datagram& datagram) {
    if (datagram.type() != MessageType::kData) return false;
    captured_.push_back(datagram);
    return true;
  };
  network.advance(300ms);
  ASSERT_FALSE(captured_.empty());
  const Datagram confirmation = captured_.front();
  EXPECT_EQ(b.link->sending.load(), old) << "agreed, but who agreed has not been heard with the new keys";
  for (std::size_t byte = offsetof(DataHeader, counter); byte < confirmation.bytes.size(); ++byte) {
    Datagram forged = confirmation;
    forged.bytes[byte] ^= 1;
    b.receive(forged);
    network.advance(kTick);
    ASSERT_EQ(b.link->sending.load(), old) << byte;
  }
  b.receive(confirmation);
  EXPECT_NE(b.link->sending.load(), old);
  EXPECT_EQ(b.link->sending.load()->local_index, a.link->sending.load()->remote_index);
}

}  // namespace
}  // namespace isthmus::tunnel
