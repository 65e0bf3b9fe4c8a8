// Loss, duplicates and reordering as a window tells them, and as two tunnels in memory do, over many sessions.
#include "tunnel/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/unit/tunnel/two_sides.h"

namespace isthmus::tunnel {
namespace {

constexpr std::uint64_t kWindow = ReplayWindow::kWindow;

void accept(ReplayWindow& window, std::initializer_list<std::uint64_t> counters) {
  for (const std::uint64_t counter : counters) EXPECT_TRUE(window.accept(counter)) << counter;
}

TEST(Arrivals, AGapIsLostWhenASecondLookFindsIt) {
  ReplayWindow window;
  Arrivals arrivals;
  EXPECT_EQ(arrivals.look(window), ArrivalNews{});
  accept(window, {0, 1, 4, 7});
  EXPECT_EQ(arrivals.look(window), ArrivalNews{}) << "2, 3, 5 and 6 may be on their way";
  accept(window, {5, 10});
  EXPECT_EQ(arrivals.look(window), (ArrivalNews{.lost = 3, .reordered = 1})) << "8 and 9 may be on their way";
  EXPECT_EQ(arrivals.look(window), (ArrivalNews{.lost = 2}));
  EXPECT_EQ(arrivals.look(window), ArrivalNews{});
}

TEST(Arrivals, WhatIsMissingBeforeTheFirstIsLost) {
  ReplayWindow window;
  Arrivals arrivals;
  accept(window, {130});
  arrivals.look(window);
  EXPECT_EQ(arrivals.look(window).lost, 130);
}

TEST(Arrivals, AGapIsLostWhenTheWindowHasPassedIt) {
  ReplayWindow window;
  Arrivals arrivals;
  accept(window, {2, kWindow});
  EXPECT_EQ(arrivals.look(window).lost, 1) << "0 is too old, 1 is not yet";
  accept(window, {1, 3 * kWindow});
  EXPECT_EQ(arrivals.look(window).lost, 2 * kWindow - 3);
}

TEST(Arrivals, TheEndSettlesAllGaps) {
  ReplayWindow window;
  Arrivals arrivals;
  accept(window, {0, 63, 64, 200});
  arrivals.look(window);
  accept(window, {300});
  EXPECT_EQ(arrivals.conclude(window), (ArrivalNews{.lost = 301 - 5}));
  Arrivals nothing;
  EXPECT_EQ(nothing.conclude(ReplayWindow{}), ArrivalNews{});
}

TEST(Arrivals, ADuplicateIsWhatIsKnownToHaveBeenHere) {
  ReplayWindow window;
  Arrivals arrivals;
  accept(window, {0, 1, 5});
  EXPECT_FALSE(window.accept(1));  // behind a verified tag
  window.refuse(5);                // before
  EXPECT_EQ(arrivals.look(window), (ArrivalNews{.duplicate = 2}));
  accept(window, {2 * kWindow});
  EXPECT_FALSE(window.accept(0));
  window.refuse(kWindow);
  EXPECT_EQ(arrivals.look(window).duplicate, 0U) << "too old to tell";
  window.refuse(kRejectAfterMessages);
  EXPECT_EQ(arrivals.look(window).duplicate, 0U) << "no counter at all";
}

// One that had been given up comes after all: the total stands still until the next one is lost.
TEST(Arrivals, TotalsDoNotGoBack) {
  ReplayWindow window;
  Arrivals arrivals;
  ArrivalTotals totals;
  const auto look = [&] {
    totals.add(arrivals.look(window));
    return totals.lost();
  };
  accept(window, {0, 4});
  look();
  EXPECT_EQ(look(), 3U);
  accept(window, {1, 2});
  EXPECT_EQ(look(), 3U);
  accept(window, {6});
  look();
  EXPECT_EQ(look(), 3U) << "two are missing in all, 3 and 5";
  accept(window, {10});
  look();
  EXPECT_EQ(look(), 5U);
  EXPECT_EQ(totals.reordered(), 2U);

  // The debt of one session is paid by another.
  accept(window, {3, 5});
  look();
  ReplayWindow other;
  accept(other, {3});
  totals.add(Arrivals{}.conclude(other));
  EXPECT_EQ(totals.lost(), 6U);
}

class ArrivalsOfTwoSides : public testing::Test, protected TwoSides {
 protected:
  static bool has_content(const Datagram& datagram) {
    return datagram.type() == MessageType::kData && datagram.bytes.size() > kDataOverhead;
  }
  // From now on some messages with content are lost, and all that are sent around a handshake: in the end of every
  // session and in the beginning of the next.
  void lose_some() {
    network.lose = [this](const Datagram& datagram) {
      const Instant handshake = network.sent.empty() ? kNever : network.sent.back().due;
      const bool lost = has_content(datagram) && (random_() % 20 == 0 || network.instant() - handshake < 100ms);
      if (lost) ++(datagram.to == a.endpoint ? lost_to_a_ : lost_to_b_);
      return lost;
    };
  }
  void talk(Duration duration) {
    for (Duration past{0}; past < duration; past += 10ms) {
      a.send_data();
      b.send_data();
      network.advance(10ms);
    }
  }
  void expect_all_losses() {
    network.lose = [](const Datagram&) { return false; };
    talk(100ms);  // what follows a gap makes it one
    network.advance(3s);
    EXPECT_GT(lost_to_a_, 100U);
    EXPECT_GT(lost_to_b_, 100U);
    EXPECT_EQ(a.arrived.lost(), lost_to_a_);
    EXPECT_EQ(b.arrived.lost(), lost_to_b_);
    EXPECT_EQ(a.data_received + static_cast<int>(lost_to_a_), b.data_sent);
    EXPECT_EQ(b.data_received + static_cast<int>(lost_to_b_), a.data_sent);
  }
  static long farewells(const Side& side, std::uint32_t session) {
    return std::ranges::count(side.keepalive_sessions, session);
  }

  std::mt19937_64 random_{1};
  std::uint64_t lost_to_a_ = 0;
  std::uint64_t lost_to_b_ = 0;
};

TEST_F(ArrivalsOfTwoSides, EqualWhatWasLostAcrossRekeys) {
  agree();
  lose_some();
  talk(600s);
  EXPECT_EQ(a.count(HandshakeEvent::kCompleted), 5U);
  expect_all_losses();
}

TEST_F(ArrivalsOfTwoSides, EqualWhatWasLostAcrossARotation) {
  agree();
  network.advance(kRekeyTimeout);
  lose_some();
  talk(3s);
  auto settings = Side::settings_for(b);
  settings.preshared_key.bytes.fill(1);
  a.tunnel->update_peer(kPeer, settings, network.now());
  settings = Side::settings_for(a);
  settings.preshared_key.bytes.fill(1);
  b.tunnel->update_peer(kPeer, settings, network.now());
  talk(15s);
  EXPECT_FALSE(a.tunnel->view(kPeer).rotating);
  EXPECT_FALSE(b.tunnel->view(kPeer).rotating);
  expect_all_losses();
}

TEST_F(ArrivalsOfTwoSides, AreKnownWhenThePeerHasFallenSilent) {
  agree();
  network.advance(5s);
  network.lose = [](const Datagram&) { return true; };
  for (int i = 0; i < 7; ++i) a.send_data();
  network.lose = [](const Datagram&) { return false; };
  a.send_data();
  network.advance(900ms);
  EXPECT_EQ(b.arrived.lost(), 0U);
  network.advance(1200ms);
  EXPECT_EQ(b.arrived.lost(), 7U);
}

TEST_F(ArrivalsOfTwoSides, AreKnownWhenThePeerIsRemoved) {
  agree();
  network.lose = [](const Datagram&) { return true; };
  a.send_data();
  network.lose = [](const Datagram&) { return false; };
  a.send_data();
  network.advance(20ms);
  b.tunnel->remove_peer(kPeer);
  EXPECT_EQ(b.arrived.lost(), 1U);
}

TEST_F(ArrivalsOfTwoSides, ASessionThatIsReplacedSaysGoodBye) {
  agree();
  const std::uint32_t at_a = a.link->sending.load()->local_index;
  const std::uint32_t at_b = b.link->sending.load()->local_index;
  network.advance(kRekeyAfterTime);
  a.keepalive_sessions.clear();
  a.keepalive_times.clear();
  a.send_data();
  network.advance(100ms);
  ASSERT_EQ(a.count(HandshakeEvent::kInitiationSent), 2U);
  network.advance(2s);
  ASSERT_NE(a.link->sending.load()->local_index, at_a);
  EXPECT_EQ(farewells(a, at_a), 3);
  EXPECT_EQ(farewells(b, at_b), 0) << "it never said anything on this session";
  ASSERT_EQ(a.keepalive_times.size(), 4U) << "the first is the new session's";
  EXPECT_GE(a.keepalive_times[3] - a.keepalive_times[1], 200ms) << "a worker that is late has sealed its last by then";
  EXPECT_EQ(b.data_refused, 0);

  // The same when it is b that had something to say.
  const std::uint32_t second_at_b = b.link->sending.load()->local_index;
  b.send_data();
  network.advance(kRekeyAfterTime);
  a.send_data();
  network.advance(2s);
  ASSERT_NE(b.link->sending.load()->local_index, second_at_b);
  EXPECT_EQ(farewells(b, second_at_b), 3);
}

TEST_F(ArrivalsOfTwoSides, ASessionThatCannotSendAnyMoreSaysNothing) {
  for (const bool used_up : {true, false}) {
    TwoSides sides;
    sides.agree();
    Session* const old = sides.a.link->sending.load();
    sides.a.send_data();
    sides.network.advance(used_up ? kRekeyTimeout : kRejectAfterTime);
    if (used_up) old->reserve_nonces(kRejectAfterMessages);
    sides.network.advance(200ms);
    sides.a.send_data();
    sides.network.advance(5s);
    ASSERT_TRUE(sides.a.ready());
    ASSERT_NE(sides.a.link->sending.load(), old);
    EXPECT_EQ(farewells(sides.a, old->local_index), 1) << "the first word, and no last one";
  }
}

TEST_F(ArrivalsOfTwoSides, ARotatedPairingSaysGoodBye) {
  agree();
  const std::uint32_t at_a = a.link->sending.load()->local_index;
  const std::uint32_t at_b = b.link->sending.load()->local_index;
  a.send_data();
  b.send_data();
  network.advance(kRekeyTimeout);
  SecretKey other;
  other.bytes.fill(0x44);
  a.private_key = other;
  b.tunnel->update_peer(kPeer, Side::settings_for(a), network.now());
  a.tunnel->set_identity(other);
  network.advance(10s);
  ASSERT_FALSE(a.tunnel->view(kPeer).rotating);
  EXPECT_EQ(farewells(a, at_a), 1 + 3) << "the first one confirmed the session";
  EXPECT_EQ(farewells(b, at_b), 3);
  EXPECT_EQ(a.data_refused + b.data_refused, 0);
}

}  // namespace
}  // namespace isthmus::tunnel
