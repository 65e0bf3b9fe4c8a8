#pragma once
// When one peer's tunnel has to do something by itself (section 6). Decides, and does nothing: the Tunnel polls it
// every 100 ms or so and carries out what it says.
//
// The five timers:
//   1. Retry an initiation that stays unanswered for kRekeyTimeout and some jitter; give up after kRekeyAttemptTime.
//   2. Send an empty packet when data came in and nothing went out for kKeepaliveTimeout: the peer sees that we live.
//   3. Begin a handshake when data went out and nothing came in for kKeepaliveTimeout + kRekeyTimeout.
//   4. Wipe all keys 3 * kRejectAfterTime after the newest session was agreed.
//   5. Send an empty packet when nothing at all passed for the configured persistent keepalive.
// Beside them a session is replaced before it ages out: by its initiator, when it sends after kRekeyAfterTime or
// receives shortly before the end; by either side after kRekeyAfterMessages.

#include <cstdint>
#include <optional>

#include "dataplane/packet/time.h"
#include "tunnel/wire.h"

namespace isthmus::tunnel {

struct TimerInputs {
  struct Sending {  // the session that we seal with
    Instant created;
    bool initiator = false;
    std::uint64_t messages = 0;
  };

  Instant now;
  // As in PeerLink. They are the times of a worker's burst, so two of them may be equal whichever was first.
  Instant data_sent;
  Instant any_sent;
  Instant data_received;
  Instant any_received;
  std::optional<Sending> sending;
  Instant newest_session = kNever;  // when the newest session was agreed whose keys we still have
  Duration persistent_keepalive{0};
};

struct TimerActions {
  bool give_up = false;
  bool send_initiation = false;
  bool send_keepalive = false;
  bool wipe_keys = false;
  bool operator==(const TimerActions&) const = default;
};

class PeerTimers {
 public:
  // Begins an attempt to agree on a session, unless one runs. Its first initiation is due at once, but never less than
  // kRekeyTimeout after the last one. Further wishes do not prolong an attempt.
  void want_handshake(Instant now);
  // A session was agreed, or the peer's keys changed: no attempt is needed any more.
  void stop_attempt() { attempt_began_.reset(); }
  bool attempting() const { return attempt_began_.has_value(); }
  std::optional<Instant> attempt_began() const { return attempt_began_; }

  bool initiation_due(Instant now) const { return attempt_began_ && now >= next_initiation_; }
  // `jitter` is random, below kRekeyTimeoutJitterMax: two sides that collide once do not collide forever.
  void initiation_sent(Instant now, Duration jitter);
  // Handshake messages prove life as data does.
  void handshake_message_sent(Instant now) { handshake_sent_ = now; }
  void handshake_message_received(Instant now) { handshake_received_ = now; }

  TimerActions poll(const TimerInputs& inputs);

 private:
  static bool wants_rekey(const TimerInputs& inputs);
  bool data_unanswered(const TimerInputs& inputs);
  bool data_unacknowledged(const TimerInputs& inputs);
  bool silent(const TimerInputs& inputs);
  Instant any_sent(const TimerInputs& inputs) const;
  Instant any_received(const TimerInputs& inputs) const;

  // Timer 1
  std::optional<Instant> attempt_began_;
  Instant next_initiation_ = kNever;
  Instant last_initiation_ = kNever;
  Instant handshake_sent_ = kNever;
  Instant handshake_received_ = kNever;
  // Timer 2: data received after this moment begins a wait; the wait's begin, if one runs.
  Instant acknowledged_until_ = kNever;
  Instant unacknowledged_since_ = kNever;
  // Timer 3, in the same way for data sent.
  Instant answered_until_ = kNever;
  Instant unanswered_since_ = kNever;
  // Timer 5
  Instant last_persistent_ = kNever;
};

}  // namespace isthmus::tunnel
