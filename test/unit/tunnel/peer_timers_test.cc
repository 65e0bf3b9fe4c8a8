#include "tunnel/peer_timers.h"

#include <gtest/gtest.h>

namespace isthmus::tunnel {
namespace {

constexpr Instant kBegin{1000s};

// Traffic and what has to follow, as a table: times are after kBegin.
class TimersTest : public testing::Test {
 protected:
  TimersTest() {
    inputs_.sending = {.created = kBegin, .initiator = true, .messages = 0};
    inputs_.newest_session = kBegin;
  }

  TimerActions at(Duration time) {
    inputs_.now = kBegin + time;
    return timers_.poll(inputs_);
  }
  void data_sent(Duration time) { inputs_.data_sent = inputs_.any_sent = kBegin + time; }
  void data_received(Duration time) { inputs_.data_received = inputs_.any_received = kBegin + time; }
  void keepalive_sent(Duration time) { inputs_.any_sent = kBegin + time; }
  void keepalive_received(Duration time) { inputs_.any_received = kBegin + time; }

  static constexpr TimerActions kNothing{};
  static constexpr TimerActions kInitiate{.send_initiation = true};
  static constexpr TimerActions kKeepalive{.send_keepalive = true};

  PeerTimers timers_;
  TimerInputs inputs_;
};

TEST_F(TimersTest, NothingHappensByItself) {
  for (Duration time{0}; time < 3 * kRejectAfterTime; time += 1s) {
    if (time == kRejectAfterTime) inputs_.sending.reset();
    EXPECT_EQ(at(time), kNothing) << time.count();
  }
}

TEST_F(TimersTest, WipesKeys) {
  EXPECT_EQ(at(540s - 1ns), kNothing);
  EXPECT_EQ(at(540s), TimerActions{.wipe_keys = true});
  inputs_.newest_session = kNever;
  EXPECT_EQ(at(541s), kNothing);
}

TEST_F(TimersTest, SendersRekeyAfterTwoMinutes) {
  data_sent(119s);
  keepalive_received(119s);
  EXPECT_EQ(at(121s), kNothing);
  keepalive_sent(120s);
  EXPECT_EQ(at(121s), kInitiate);
}

TEST_F(TimersTest, RespondersDoNotRekeyForTime) {
  inputs_.sending->initiator = false;
  data_sent(170s);
  data_received(170s);
  EXPECT_EQ(at(170s), kNothing);
  inputs_.sending->messages = kRekeyAfterMessages;
  EXPECT_EQ(at(170s), kInitiate);
}

TEST_F(TimersTest, ReceiversRekeyShortlyBeforeTheEnd) {
  keepalive_received(165s - 1ns);
  EXPECT_EQ(at(166s), kNothing);
  keepalive_received(165s);
  EXPECT_EQ(at(166s), kInitiate);
}

TEST_F(TimersTest, RekeysAfterMessages) {
  inputs_.sending->messages = kRekeyAfterMessages - 1;
  EXPECT_EQ(at(1s), kNothing);
  inputs_.sending->messages = kRekeyAfterMessages;
  EXPECT_EQ(at(1s), kInitiate);
}

TEST_F(TimersTest, PassiveKeepalive) {
  data_received(1s);
  EXPECT_EQ(at(1s), kNothing);
  data_received(8s);  // the wait began with the first
  EXPECT_EQ(at(11s - 1ns), kNothing);
  EXPECT_EQ(at(11s), kKeepalive);
  keepalive_sent(11s);
  EXPECT_EQ(at(60s), kNothing);
  data_received(61s);
  EXPECT_EQ(at(61s), kNothing);
  EXPECT_EQ(at(71s), kKeepalive);
}

// A keepalive that could not be sent is not asked for every 100 ms.
TEST_F(TimersTest, OneKeepaliveForOneStretchOfData) {
  data_received(1s);
  at(1s);
  EXPECT_EQ(at(11s), kKeepalive);
  EXPECT_EQ(at(12s), kNothing);
  EXPECT_EQ(at(60s), kNothing);
}

TEST_F(TimersTest, AnythingSentIsAnAnswer) {
  data_received(1s);
  EXPECT_EQ(at(1s), kNothing);
  keepalive_sent(5s);
  EXPECT_EQ(at(12s), kNothing);
  data_received(13s);
  EXPECT_EQ(at(13s), kNothing);
  timers_.handshake_message_sent(kBegin + 20s);
  EXPECT_EQ(at(24s), kNothing);
}

TEST_F(TimersTest, KeepalivesNeedNoAnswer) {
  keepalive_received(1s);
  EXPECT_EQ(at(60s), kNothing);
}

TEST_F(TimersTest, EqualTimesCountAsUnansweredByUs) {
  data_received(1s);
  data_sent(1s);
  EXPECT_EQ(at(1s), kNothing);
  EXPECT_EQ(at(11s), kKeepalive);
}

TEST_F(TimersTest, UnansweredDataBeginsAHandshake) {
  data_sent(1s);
  EXPECT_EQ(at(1s), kNothing);
  data_sent(14s);  // the wait began with the first
  EXPECT_EQ(at(16s - 1ns), kNothing);
  EXPECT_EQ(at(16s), kInitiate);
  timers_.initiation_sent(kBegin + 16s, 0ms);
  EXPECT_EQ(at(17s), kNothing);
}

TEST_F(TimersTest, AnyAnswerEndsTheWait) {
  data_sent(1s);
  EXPECT_EQ(at(1s), kNothing);
  keepalive_received(10s);
  EXPECT_EQ(at(30s), kNothing);
  data_sent(31s);
  EXPECT_EQ(at(31s), kNothing);
  timers_.handshake_message_received(kBegin + 32s);
  EXPECT_EQ(at(60s), kNothing);
}

// After it has fired once, only newer data makes it fire again.
TEST_F(TimersTest, OldUnansweredDataBeginsOneHandshakeOnly) {
  data_sent(1s);
  at(1s);
  EXPECT_EQ(at(16s), kInitiate);
  timers_.initiation_sent(kBegin + 16s, 0ms);
  timers_.stop_attempt();
  EXPECT_EQ(at(80s), kNothing);
  data_sent(81s);
  at(81s);
  EXPECT_EQ(at(96s), kInitiate);
}

TEST_F(TimersTest, PersistentKeepalive) {
  inputs_.persistent_keepalive = 25s;
  EXPECT_EQ(at(0s), kKeepalive);
  keepalive_sent(0s);
  EXPECT_EQ(at(25s - 1ns), kNothing);
  EXPECT_EQ(at(25s), kKeepalive);
  // Nobody could send it: the next one is due in its time.
  EXPECT_EQ(at(26s), kNothing);
  keepalive_received(45s);
  EXPECT_EQ(at(50s), kNothing);
  EXPECT_EQ(at(70s), kKeepalive);
}

TEST_F(TimersTest, PersistentKeepaliveWithoutASession) {
  inputs_.sending.reset();
  inputs_.persistent_keepalive = 25s;
  EXPECT_EQ(at(0s), kInitiate);
}

TEST_F(TimersTest, RetriesUntilTheAttemptIsOver) {
  inputs_.sending.reset();
  timers_.want_handshake(kBegin);
  EXPECT_EQ(at(0s), kInitiate);
  timers_.initiation_sent(kBegin, 333ms);
  EXPECT_EQ(at(5s), kNothing);
  EXPECT_EQ(at(5333ms - 1ns), kNothing);
  EXPECT_EQ(at(5333ms), kInitiate);
  timers_.initiation_sent(kBegin + 5333ms, 0ms);
  EXPECT_EQ(at(10333ms), kInitiate);
  // Further wishes do not prolong it.
  timers_.want_handshake(kBegin + 80s);
  timers_.initiation_sent(kBegin + 88s, 0ms);
  EXPECT_EQ(at(90s - 1ns), kNothing);
  EXPECT_EQ(at(90s), TimerActions{.give_up = true});
  EXPECT_FALSE(timers_.attempting());
  EXPECT_EQ(at(100s), kNothing);
  // A new one begins no sooner than the timeout after the last initiation.
  timers_.want_handshake(kBegin + 91s);
  EXPECT_EQ(at(92s), kNothing);
  EXPECT_EQ(at(93s), kInitiate);
}

TEST_F(TimersTest, AgreementEndsTheAttempt) {
  timers_.want_handshake(kBegin);
  timers_.initiation_sent(kBegin, 0ms);
  timers_.stop_attempt();
  EXPECT_EQ(at(6s), kNothing);
  EXPECT_EQ(at(91s), kNothing);
}

}  // namespace
}  // namespace isthmus::tunnel
