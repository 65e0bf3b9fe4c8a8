// Handshakes and sessions of two tunnels in memory.
#include "tunnel/tunnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/tunnel/two_sides.h"

namespace isthmus::tunnel {
namespace {

class TunnelTest : public testing::Test, protected TwoSides {
 protected:
  // Both send every 10 ms for a while.
  void talk(Duration duration) {
    for (Duration past{0}; past < duration; past += 10ms) {
      a.send_data();
      b.send_data();
      network.advance(10ms);
    }
  }
  // All that was sent has arrived, in whatever session.
  void expect_no_loss() {
    network.advance(1s);
    EXPECT_EQ(a.data_received, b.data_sent);
    EXPECT_EQ(b.data_received, a.data_sent);
    EXPECT_EQ(a.data_refused, 0);
    EXPECT_EQ(b.data_refused, 0);
  }
  std::vector<Instant> initiations_from(const Side& side) const {
    std::vector<Instant> times;
    for (const Datagram& datagram : network.sent) {
      if (datagram.type() == MessageType::kInitiation && datagram.from == side.endpoint) {
        times.push_back(datagram.due - network.delay);
      }
    }
    return times;
  }
};

TEST_F(TunnelTest, HandshakeThenDataBothWays) {
  connect();
  a.send_data();
  EXPECT_FALSE(a.ready());
  network.advance(15ms);
  EXPECT_FALSE(b.ready()) << "a responder may not send before the initiator has spoken";
  network.advance(10ms);
  EXPECT_TRUE(a.ready());
  EXPECT_EQ(a.readies, 1);
  EXPECT_EQ(a.keepalives, 1);
  network.advance(10ms);
  EXPECT_TRUE(b.ready());
  EXPECT_EQ(b.readies, 1);
  EXPECT_EQ(b.data_received, 1);
  EXPECT_EQ(b.keepalives_received, 1);
  b.send_data();
  expect_no_loss();

  EXPECT_EQ(a.count(HandshakeEvent::kInitiationSent), 1U);
  EXPECT_EQ(a.count(HandshakeEvent::kResponseReceived), 1U);
  EXPECT_EQ(a.count(HandshakeEvent::kCompleted), 1U);
  EXPECT_EQ(b.count(HandshakeEvent::kInitiationReceived), 1U);
  EXPECT_EQ(b.count(HandshakeEvent::kResponseSent), 1U);
  EXPECT_EQ(b.count(HandshakeEvent::kCompleted), 1U);
  const PeerView view = a.tunnel->view(kPeer);
  EXPECT_EQ(view.handshake_bytes_sent, sizeof(MessageInitiation));
  EXPECT_EQ(view.handshake_bytes_received, sizeof(MessageResponse));
  EXPECT_TRUE(view.has_session);
  ASSERT_TRUE(view.last_handshake);
  EXPECT_EQ(view.last_handshake->seconds, 1'700'001'000U);
}

TEST_F(TunnelTest, ALostConfirmationIsFoundByTheTick) {
  connect();
  b.report_confirmations = false;
  a.send_data();
  network.advance(40ms);
  EXPECT_FALSE(b.ready());
  network.advance(100ms);
  EXPECT_TRUE(b.ready());
  EXPECT_EQ(b.count(HandshakeEvent::kCompleted), 1U);
}

// Who was started anew has no other session than the one it begins with: an answer must not wait for the service
// thread.
TEST_F(TunnelTest, ARestartedInitiatorIsAnsweredOnItsOnlySession) {
  agree();
  a.restart();
  a.add(Side::settings_for(b));
  b.report_confirmations = false;
  a.send_data();
  network.advance(20ms);
  const Session* old = b.link->sending.load();
  EXPECT_EQ(b.link->to_seal_with(), old) << "agreed, but nothing was authenticated with it yet";
  network.advance(10ms);
  ASSERT_EQ(b.data_received, 1);
  ASSERT_EQ(b.link->sending.load(), old);
  b.send_data();
  network.advance(10ms);
  EXPECT_EQ(a.data_received, 1);
  EXPECT_EQ(a.data_refused, 0);
  network.advance(100ms);
  EXPECT_EQ(b.link->sending.load(), b.link->to_seal_with());
  EXPECT_NE(b.link->sending.load(), old);
  EXPECT_EQ(b.link->next.load(), nullptr);
}

TEST_F(TunnelTest, InitiatesAtOnceWhereConfigured) {
  auto settings = Side::settings_for(b);
  settings.initiate_at_once = true;
  b.add(Side::settings_for(a));
  a.add(settings);
  network.advance(50ms);
  EXPECT_TRUE(a.ready());
  EXPECT_TRUE(b.ready());
}

TEST_F(TunnelTest, RekeysUnderTrafficWithoutLoss) {
  agree();
  const Instant begin = network.instant();
  talk(600s);
  expect_no_loss();
  const auto initiations = initiations_from(a);
  ASSERT_EQ(initiations.size(), 5U);
  for (std::size_t i = 1; i < initiations.size(); ++i) {
    EXPECT_GE(initiations[i] - initiations[i - 1], kRekeyAfterTime);
    EXPECT_LE(initiations[i] - initiations[i - 1], kRekeyAfterTime + 200ms);
  }
  EXPECT_LT(initiations[0], begin);
  EXPECT_TRUE(initiations_from(b).empty()) << "only the initiator of a session replaces it";
  EXPECT_EQ(a.readies, 1) << "nothing had to wait";
  EXPECT_EQ(b.readies, 1);
  // previous and current are left
  EXPECT_EQ(a.retired.size(), 3U);
  EXPECT_EQ(b.retired.size(), 3U);
}

TEST_F(TunnelTest, RekeysWithoutLossOverALongDelay) {
  network.delay = 400ms;
  connect();
  a.tunnel->want_session(kPeer, network.now());
  network.advance(2s);
  talk(300s);
  expect_no_loss();
  EXPECT_EQ(initiations_from(a).size(), 3U);
}

TEST_F(TunnelTest, AReceiverReplacesAnAgeingSession) {
  agree();
  // Only b sends data. a's keepalives answer it but are made not to count as sending, or a would begin at
  // kRekeyAfterTime.
  const Instant created = a.link->sending.load()->created;
  network.lose = [&](const Datagram&) {
    a.link->any_sent.set(created);
    return false;
  };
  while (initiations_from(a).size() < 2 && network.instant() - created < kRejectAfterTime) {
    b.send_data();
    network.advance(500ms);
  }
  ASSERT_EQ(initiations_from(a).size(), 2U);
  const Duration age = initiations_from(a)[1] - created;
  EXPECT_GE(age, kRejectAfterTime - kKeepaliveTimeout - kRekeyTimeout);
  EXPECT_LE(age, kRejectAfterTime - kKeepaliveTimeout - kRekeyTimeout + 1s);
}

TEST_F(TunnelTest, ReplacesASessionThatHasSentEnough) {
  agree();
  for (Side* side : {&b, &a}) {
    network.advance(kRekeyTimeout);
    side->link->sending.load()->reserve_nonces(kRekeyAfterMessages);
    const auto before = initiations_from(*side).size();
    network.advance(200ms);
    EXPECT_EQ(initiations_from(*side).size(), before + 1);
    EXPECT_LT(side->link->sending.load()->nonces_used(), 10U);
  }
}

TEST_F(TunnelTest, AUsedUpSessionDoesNotSend) {
  agree();
  network.lose = [](const Datagram&) { return true; };
  a.link->sending.load()->reserve_nonces(kRejectAfterMessages);
  network.advance(100ms);
  EXPECT_FALSE(a.ready());
}

// Both begin at the same moment: all packets arrive, and one initiator is left for the next rekey.
TEST_F(TunnelTest, SimultaneousInitiations) {
  for (const Duration later : {0ms, 3ms, 9ms, 10ms, 11ms, 19ms}) {
    SCOPED_TRACE(later.count());
    TwoSides sides;
    sides.connect();
    sides.a.send_data();
    sides.network.advance(later);
    sides.b.send_data();
    sides.network.advance(100ms);
    EXPECT_TRUE(sides.a.ready());
    EXPECT_TRUE(sides.b.ready());
    EXPECT_EQ(sides.a.data_received, 1);
    EXPECT_EQ(sides.b.data_received, 1);
    ASSERT_NE(sides.a.link->sending.load()->initiator, sides.b.link->sending.load()->initiator);
    EXPECT_EQ(sides.a.link->sending.load()->local_index, sides.b.link->sending.load()->remote_index);
    EXPECT_EQ(sides.a.data_refused + sides.b.data_refused, 0);
  }
}

// The hardest case for the key slots: both replace a session under traffic at the same moment.
TEST_F(TunnelTest, SimultaneousRekeysLoseNothing) {
  for (const Duration later : {0ms, 5ms, 9ms, 15ms}) {
    SCOPED_TRACE(later.count());
    TwoSides sides;
    sides.agree();
    const auto talk_both = [&](Duration duration) {
      for (Duration past{0}; past < duration; past += 1ms) {
        sides.a.send_data();
        sides.b.send_data();
        sides.network.advance(1ms);
      }
    };
    sides.network.advance(kRekeyTimeout);
    for (int round = 0; round < 3; ++round) {
      // An unanswerable amount of messages makes either side want a new session at its next tick.
      sides.a.link->sending.load()->reserve_nonces(kRekeyAfterMessages);
      sides.a.tunnel->tick(sides.network.now());
      talk_both(later);
      sides.b.link->sending.load()->reserve_nonces(kRekeyAfterMessages);
      sides.b.tunnel->tick(sides.network.now());
      talk_both(200ms);
      ASSERT_NE(sides.a.link->sending.load()->initiator, sides.b.link->sending.load()->initiator);
      talk_both(kRekeyTimeout + 100ms);
    }
    sides.network.advance(1s);
    EXPECT_EQ(sides.a.data_received, sides.b.data_sent);
    EXPECT_EQ(sides.b.data_received, sides.a.data_sent);
    EXPECT_EQ(sides.a.data_refused + sides.b.data_refused, 0);
    EXPECT_GE(sides.a.count(HandshakeEvent::kCompleted), 4U);
    EXPECT_GE(free_indexes(*sides.a.table), 61U) << "what has drained is gone, three slots are left";
    EXPECT_GE(free_indexes(*sides.b.table), 61U);
  }
}

TEST_F(TunnelTest, LostMessagesAreSentAgain) {
  for (const MessageType type : {MessageType::kInitiation, MessageType::kResponse}) {
    TwoSides sides;
    sides.connect();
    int lost = 0;
    sides.network.lose = [&](const Datagram& datagram) { return datagram.type() == type && lost++ < 2; };
    sides.a.send_data();
    sides.network.advance(9s);
    EXPECT_FALSE(sides.a.ready());
    sides.network.advance(3s);
    EXPECT_TRUE(sides.a.ready());
    EXPECT_TRUE(sides.b.ready());
    EXPECT_EQ(sides.b.data_received, 1);
    EXPECT_EQ(sides.a.count(HandshakeEvent::kInitiationSent), 3U);
  }
}

// The keepalive that confirms the keys is lost: data confirms as well, and until then the responder keeps its old
// session.
TEST_F(TunnelTest, LostConfirmation) {
  agree();
  bool losing = true;
  network.lose = [&](const Datagram& datagram) {
    return losing && datagram.type() == MessageType::kData && datagram.from == a.endpoint;
  };
  network.advance(119s);
  Session* const old = b.link->sending.load();
  a.send_data();
  network.advance(1s);
  a.send_data();
  network.advance(1s);
  ASSERT_EQ(initiations_from(a).size(), 2U);
  EXPECT_EQ(b.link->sending.load(), old);
  b.send_data();
  network.advance(20ms);
  EXPECT_EQ(a.data_received, 1) << "the previous session still receives";
  losing = false;
  a.send_data();
  network.advance(20ms);
  EXPECT_NE(b.link->sending.load(), old);
}

TEST_F(TunnelTest, RetriesWithJitterAndGivesUp) {
  connect();
  network.lose = [](const Datagram&) { return true; };
  const Instant begin = network.instant();
  a.tunnel->want_session(kPeer, network.now());
  network.advance(200s);
  const auto times = initiations_from(a);
  EXPECT_EQ(times[0], begin);
  bool jittered = false;
  for (std::size_t i = 1; i < times.size(); ++i) {
    EXPECT_GE(times[i] - times[i - 1], kRekeyTimeout);
    EXPECT_LE(times[i] - times[i - 1], kRekeyTimeout + kRekeyTimeoutJitterMax + 100ms);
    jittered = jittered || times[i] - times[i - 1] > kRekeyTimeout + 100ms;
  }
  EXPECT_TRUE(jittered);
  EXPECT_GE(times.size(), 17U);
  EXPECT_LE(times.size(), 18U);
  ASSERT_THAT(a.failures, testing::SizeIs(1));
  EXPECT_EQ(a.failures[0] - begin, kRekeyAttemptTime);
  EXPECT_EQ(a.count(HandshakeEvent::kAttemptsExhausted), 1U);

  // A new wish is a new attempt.
  a.tunnel->want_session(kPeer, network.now());
  EXPECT_EQ(initiations_from(a).size(), times.size() + 1);
}

TEST_F(TunnelTest, EachTryIsALaterTimeAndAnotherKey) {
  connect();
  network.lose = [](const Datagram&) { return true; };
  a.tunnel->want_session(kPeer, network.now());
  network.advance(20s);
  ASSERT_GE(network.sent.size(), 3U);
  for (std::size_t i = 1; i < network.sent.size(); ++i) {
    // sender index, ephemeral and all that follows from it
    EXPECT_NE(network.sent[i].bytes, network.sent[i - 1].bytes);
    EXPECT_FALSE(std::equal(network.sent[i].bytes.begin() + 8, network.sent[i].bytes.begin() + 40,
                            network.sent[i - 1].bytes.begin() + 8));
  }
}

TEST_F(TunnelTest, KeepsTryingForThoseWhoShallAlwaysBeConnected) {
  auto eager = Side::settings_for(b);
  eager.initiate_at_once = true;
  auto persistent = Side::settings_for(b);
  persistent.persistent_keepalive = 25s;
  for (const PeerSettings& settings : {eager, persistent}) {
    TwoSides sides;
    sides.network.lose = [](const Datagram&) { return true; };
    sides.a.add(settings);
    sides.network.advance(300s);
    EXPECT_GE(sides.a.failures.size(), 3U);
    EXPECT_GE(sides.a.count(HandshakeEvent::kInitiationSent), 300U / 6);
    sides.b.add(Side::settings_for(sides.a));
    sides.network.lose = [](const Datagram&) { return false; };
    sides.network.advance(6s);
    EXPECT_TRUE(sides.a.ready());
  }
}

TEST_F(TunnelTest, NoSecondInitiationWithinTheTimeout) {
  connect();
  network.lose = [](const Datagram&) { return true; };
  for (int i = 0; i < 499; ++i) {
    a.send_data();
    network.advance(10ms);
  }
  EXPECT_EQ(initiations_from(a).size(), 1U);
}

TEST_F(TunnelTest, SessionsExpireAndAreWiped) {
  agree();
  const Instant created = a.link->sending.load()->created;
  network.lose = [](const Datagram&) { return true; };
  network.advance(created + kRejectAfterTime - network.instant() - 100ms);
  EXPECT_TRUE(a.ready());
  network.advance(200ms);
  EXPECT_FALSE(a.ready());
  EXPECT_FALSE(b.ready());
  EXPECT_FALSE(a.tunnel->view(kPeer).has_session);
  EXPECT_TRUE(a.retired.empty());
  network.advance(created + 3 * kRejectAfterTime - network.instant() - 200ms);
  EXPECT_TRUE(a.retired.empty());
  network.advance(400ms);
  EXPECT_EQ(a.retired.size(), 1U);
  EXPECT_EQ(b.retired.size(), 1U);
  EXPECT_EQ(a.table->find(a.retired[0]->local_index), nullptr);
}

TEST_F(TunnelTest, ARestartedSideIsBackAtOnce) {
  agree();
  talk(1s);
  b.restart();
  auto settings = Side::settings_for(a);
  settings.initiate_at_once = true;
  b.add(settings);
  network.advance(50ms);
  EXPECT_TRUE(b.ready());
  network.advance(1s);
  EXPECT_EQ(b.data_refused, 3) << "what a says on the session that b has forgotten: farewells";
  a.data_received = b.data_received = a.data_sent = b.data_sent = b.data_refused = 0;
  talk(1s);
  expect_no_loss();
}

// The other side has forgotten us and does not begin by itself: 15 seconds without an answer make us begin.
TEST_F(TunnelTest, UnansweredDataBeginsAHandshake) {
  agree();
  network.advance(10s);
  b.restart();
  b.add(Side::settings_for(a));
  const Instant begin = network.instant();
  for (int i = 0; i < 200; ++i) {
    a.send_data();
    network.advance(100ms);
  }
  const auto initiations = initiations_from(a);
  ASSERT_EQ(initiations.size(), 2U);
  EXPECT_GE(initiations[1] - begin, kKeepaliveTimeout + kRekeyTimeout);
  EXPECT_LE(initiations[1] - begin, kKeepaliveTimeout + kRekeyTimeout + 200ms);
  const int received = b.data_received;
  EXPECT_GT(received, 0);
}

TEST_F(TunnelTest, PassiveKeepalive) {
  agree();
  network.advance(1s);
  b.keepalive_times.clear();
  a.send_data();
  const Instant sent = network.instant();
  network.advance(60s);
  ASSERT_EQ(b.keepalive_times.size(), 1U);
  EXPECT_GE(b.keepalive_times[0] - sent, kKeepaliveTimeout);
  EXPECT_LE(b.keepalive_times[0] - sent, kKeepaliveTimeout + 200ms);
  EXPECT_EQ(initiations_from(a).size(), 1U) << "the keepalive is an answer";
}

TEST_F(TunnelTest, PersistentKeepaliveKeepsTheSessionFresh) {
  auto settings = Side::settings_for(b);
  settings.persistent_keepalive = 25s;
  a.add(settings);
  b.add(Side::settings_for(a));
  network.advance(1s);
  EXPECT_TRUE(a.ready()) << "it needs a session, so it begins one";
  network.advance(600s);
  EXPECT_TRUE(a.ready());
  EXPECT_TRUE(b.ready());
  EXPECT_TRUE(a.failures.empty());
  // One with each of five handshakes, three farewells on each session but the last.
  EXPECT_NEAR(static_cast<double>(a.keepalives), 600.0 / 25 + 5 + 4 * 3, 6);
}

}  // namespace
}  // namespace isthmus::tunnel
