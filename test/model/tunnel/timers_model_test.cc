// PeerTimers beside its naive twin (slow_timers.h) on random lives of a peer: traffic either way or none, handshakes of
// both sides, loss, a tick that comes late, a clock that jumps ahead as after a suspend. Action by action equal.
//
// PeerTimers sees the latest time of each kind of traffic when it is polled, and so cannot know that there were two of
// one kind since the last poll: that is the tolerance of one tick that it has. Here there is one of each at most, and
// then the twin, which knows of all, has to come to the same.
#include <gtest/gtest.h>

#include "test/model/tunnel/slow_timers.h"
#include "test/support/random.h"

namespace isthmus::tunnel {

static void PrintTo(const TimerActions& actions, std::ostream* out) {
  *out << (actions.give_up ? "give_up " : "") << (actions.send_initiation ? "send_initiation " : "")
       << (actions.send_keepalive ? "send_keepalive " : "") << (actions.wipe_keys ? "wipe_keys" : "");
}

namespace {

// What has to have come up in a test, or it has shown nothing.
struct Seen {
  int polls = 0;
  int give_up = 0;
  int send_initiation = 0;
  int retries = 0;
  int send_keepalive = 0;
  int wipe_keys = 0;
  int nothing = 0;

  void count(const TimerActions& actions, bool retry) {
    ++polls;
    give_up += actions.give_up;
    send_initiation += actions.send_initiation;
    retries += actions.send_initiation && retry;
    send_keepalive += actions.send_keepalive;
    wipe_keys += actions.wipe_keys;
    nothing += actions == TimerActions{};
  }
};

class Life {
 public:
  explicit Life(test::Random& random) : random_(random), tick_(random.one_in(2) ? 100ms : 1s) { change_weather(); }

  // A tick's events, in random order and at random times, some at the moment of a poll; then the poll.
  void tick(Seen& seen) {
    if (random_.one_in(60)) change_weather();
    const Duration step = random_.one_in(300) ? jump() : tick_;
    std::vector<Duration> moments(random_.between(1, 6));
    for (Duration& moment : moments) {
      const Duration choices[] = {0s, step, Duration{random_.below(step.count() + 1)}};
      moment = choices[random_.below(std::size(choices))];
    }
    std::ranges::sort(moments);
    const Instant last = inputs_.now;
    heard_.fill(false);
    for (const Duration moment : moments) {
      inputs_.now = last + moment;
      something_happens(moment == step);
    }
    inputs_.now = last + step;
    poll(seen);
  }

 private:
  // How often what happens, one in so many events; 0: never.
  void change_weather() {
    static constexpr std::uint64_t kOften[] = {0, 0, 1, 3, 20, 100};
    for (std::uint64_t& often : weather_) often = kOften[random_.below(std::size(kOften))];
    if (random_.one_in(3)) {
      inputs_.persistent_keepalive = random_.one_in(2) ? 0s : std::chrono::seconds(random_.between(1, 40));
    }
    answers_ = !random_.one_in(3);
    keepalives_leave_ = !random_.one_in(6);
  }
  Duration jump() {
    return random_.one_in(3) ? Duration{std::chrono::hours(random_.between(1, 100))}
                             : Duration{std::chrono::seconds(random_.between(1, 200))};
  }

  // Data that comes in the poll's own nanosecond, and what the poll then sends in it: PeerTimers, which looks again at
  // the next poll, may begin its wait with the data after it. That again is the one tick.
  void something_happens(bool at_the_poll) {
    const std::size_t kind = random_.below(weather_.size());
    if (weather_[kind] == 0 || !random_.one_in(weather_[kind]) || heard_[kind]) return;
    if (kind == 1 && at_the_poll) return;
    heard_[kind] = true;
    switch (kind) {
      case 0:
        return data(Happened::kDataSent, inputs_.data_sent, inputs_.any_sent);
      case 1:
        return data(Happened::kDataReceived, inputs_.data_received, inputs_.any_received);
      case 2:
        return keepalive(Happened::kKeepaliveSent, inputs_.any_sent);
      case 3:
        return keepalive(Happened::kKeepaliveReceived, inputs_.any_received);
      case 4:
        return response_arrives();
      default:
        return rarely();
    }
  }
  void rarely() {
    switch (random_.below(12)) {
      case 0:
        return peer_initiates();
      case 1:
        return keys_change();
      case 2:
        if (inputs_.sending) inputs_.sending->messages = kRekeyAfterMessages - random_.below(2);
        return;
      case 3:
        return wish();
      case 4:  // expired or used up: what seals is gone, the keys are not
        return inputs_.sending.reset();
      default:
        return;
    }
  }

  void data(Happened what, Instant& data, Instant& any) {
    if (what == Happened::kDataSent && !inputs_.sending) return wish();
    data = any = inputs_.now;
    slow_.happened(what, inputs_.now);
  }
  void keepalive(Happened what, Instant& any) {
    any = inputs_.now;
    slow_.happened(what, inputs_.now);
  }
  void wish() {
    fast_.want_handshake(inputs_.now);
    slow_.happened(Happened::kWish, inputs_.now);
    if (fast_.initiation_due(inputs_.now)) {
      EXPECT_TRUE(slow_.initiation_due(inputs_.now));
      send_initiation();
    }
  }
  void send_initiation() {
    const Duration jitter{random_.below(kRekeyTimeoutJitterMax.count())};
    fast_.initiation_sent(inputs_.now, jitter);
    slow_.happened(Happened::kInitiationSent, inputs_.now, jitter);
    if (random_.one_in(10)) return;  // no endpoint: nothing left
    handshake_sent();
    on_its_way_ = answers_;
  }
  void response_arrives() {
    if (!on_its_way_) return;
    on_its_way_ = false;
    handshake_received();
    agreed(true);
    keepalive(Happened::kKeepaliveSent, inputs_.any_sent);
  }
  // The whole of it, up to the confirmation or not so far.
  void peer_initiates() {
    handshake_received();
    handshake_sent();
    if (random_.one_in(3)) {
      agreed_but_unconfirmed();
    } else {
      agreed(false);
    }
  }
  void agreed_but_unconfirmed() {
    inputs_.newest_session = inputs_.now;
    slow_.happened(Happened::kAgreed, inputs_.now);
  }
  void agreed(bool initiator) {
    agreed_but_unconfirmed();
    inputs_.sending = {.created = inputs_.now, .initiator = initiator, .messages = 0};
    end_attempt();
  }
  void keys_change() {
    end_attempt();
    wipe();
  }
  void end_attempt() {
    fast_.stop_attempt();
    slow_.happened(Happened::kAttemptEnded, inputs_.now);
    on_its_way_ = false;
  }
  void wipe() {
    inputs_.sending.reset();
    inputs_.newest_session = kNever;
    slow_.happened(Happened::kKeysWiped, inputs_.now);
  }
  void handshake_sent() {
    fast_.handshake_message_sent(inputs_.now);
    slow_.happened(Happened::kHandshakeSent, inputs_.now);
  }
  void handshake_received() {
    fast_.handshake_message_received(inputs_.now);
    slow_.happened(Happened::kHandshakeReceived, inputs_.now);
  }

  void poll(Seen& seen) {
    if (inputs_.sending && inputs_.now - inputs_.sending->created >= kRejectAfterTime) inputs_.sending.reset();
    const bool attempting = slow_.attempt() != nullptr;
    const TimerActions wanted = slow_.poll(inputs_.now, inputs_.sending, inputs_.persistent_keepalive);
    const TimerActions found = fast_.poll(inputs_);
    ASSERT_EQ(found, wanted);
    ASSERT_EQ(fast_.attempting(), slow_.attempt() != nullptr);
    seen.count(found, attempting);

    if (found.give_up) on_its_way_ = false;
    if (found.send_initiation) send_initiation();
    if (found.send_keepalive && keepalives_leave_) keepalive(Happened::kKeepaliveSent, inputs_.any_sent);
    if (found.wipe_keys) wipe();
  }

  test::Random& random_;
  const Duration tick_;
  std::array<std::uint64_t, 6> weather_{};
  std::array<bool, 6> heard_{};
  bool answers_ = true;
  bool keepalives_leave_ = true;
  bool on_its_way_ = false;

  PeerTimers fast_;
  TimerInputs inputs_{.now = Instant{1000s}};
  SlowTimers slow_;
};

TEST(TimersModel, RandomLives) {
  test::Random random;
  Seen seen;
  for (int round = 0; round < 50; ++round) {
    SCOPED_TRACE(round);
    Life life(random);
    for (int tick = 0; tick < 1000 && !testing::Test::HasFailure(); ++tick) life.tick(seen);
    if (testing::Test::HasFailure()) return;
  }
  std::printf("%d polls: %d gave up, %d initiations, %d of them retries, %d keepalives, %d wipes, %d nothing\n",
              seen.polls, seen.give_up, seen.send_initiation, seen.retries, seen.send_keepalive, seen.wipe_keys,
              seen.nothing);
  EXPECT_GT(seen.give_up, 10);
  EXPECT_GT(seen.retries, 100);
  EXPECT_GT(seen.send_initiation, seen.retries);
  EXPECT_GT(seen.send_keepalive, 50);
  EXPECT_GT(seen.wipe_keys, 5);
}

}  // namespace
}  // namespace isthmus::tunnel
