#pragma once
// Section 6 once more, deliberately naive: remembers all that ever happened to a peer, in its order, and answers every
// rule by reading the whole history again.

#include <algorithm>
#include <optional>
#include <vector>

#include "tunnel/peer_timers.h"

namespace isthmus::tunnel {

enum class Happened {
  kDataSent,
  kKeepaliveSent,
  kDataReceived,
  kKeepaliveReceived,
  kHandshakeSent,      // any handshake message
  kHandshakeReceived,  // an authentic one
  kInitiationSent,     // with its jitter
  kWish,               // a packet that found no session, or a rule of these
  kAttemptEnded,       // agreed, given up, or the keys changed
  kAgreed,             // a session whose keys we have
  kKeysWiped,
  // What a rule has said: it says it once.
  kSaidUnanswered,
  kSaidUnacknowledged,
  kSaidSilent,
};

struct Event {
  Happened what;
  Instant when;
  Duration jitter{0};
};

class SlowTimers {
 public:
  void happened(Happened what, Instant when, Duration jitter = {}) { history_.push_back({what, when, jitter}); }

  TimerActions poll(Instant now, const std::optional<TimerInputs::Sending>& sending, Duration persistent_keepalive) {
    const bool rekey = sending && too_old_or_used_up(*sending);
    const bool unanswered = data_unanswered(now);
    const bool unacknowledged = data_unacknowledged(now);
    const bool silent = persistent_keepalive > 0ns && silent_for(persistent_keepalive, now);
    if (unanswered) happened(Happened::kSaidUnanswered, now);
    if (unacknowledged) happened(Happened::kSaidUnacknowledged, now);
    if (silent) happened(Happened::kSaidSilent, now);
    if (rekey || unanswered || (silent && !sending)) happened(Happened::kWish, now);

    TimerActions actions;
    actions.send_keepalive = sending && (unacknowledged || silent);
    actions.wipe_keys = newest_agreed() && now - newest_agreed()->when >= 3 * kRejectAfterTime;
    if (attempt() && now - attempt()->when >= kRekeyAttemptTime) {
      actions.give_up = true;
      happened(Happened::kAttemptEnded, now);
    }
    actions.send_initiation = initiation_due(now);
    return actions;
  }

  // The wish that began the attempt which runs.
  const Event* attempt() const {
    const Event* begun = nullptr;
    for (const Event& event : history_) {
      if (event.what == Happened::kAttemptEnded) begun = nullptr;
      if (event.what == Happened::kWish && begun == nullptr) begun = &event;
    }
    return begun;
  }

  bool initiation_due(Instant now) const {
    const Event* begun = attempt();
    if (begun == nullptr) return false;
    std::optional<Instant> earliest;
    for (const Event& event : history_) {
      if (event.what != Happened::kInitiationSent) continue;
      // One of this attempt is retried after a timeout and its jitter; one of an earlier attempt keeps the distance.
      earliest = event.when + kRekeyTimeout + (&event > begun ? event.jitter : 0ns);
    }
    return !earliest || now >= *earliest;
  }

 private:
  static bool is_sent(const Event& event) {
    return event.what == Happened::kDataSent || event.what == Happened::kKeepaliveSent;
  }
  static bool is_received(const Event& event) {
    return event.what == Happened::kDataReceived || event.what == Happened::kKeepaliveReceived;
  }
  static bool leaves(const Event& event) { return is_sent(event) || event.what == Happened::kHandshakeSent; }
  static bool arrives(const Event& event) { return is_received(event) || event.what == Happened::kHandshakeReceived; }

  template <typename Is>
  bool any(Is is) const {
    return std::ranges::any_of(history_, is);
  }

  // Sections 6.2 and 6.4.
  bool too_old_or_used_up(const TimerInputs::Sending& session) const {
    if (session.messages >= kRekeyAfterMessages) return true;
    return session.initiator && any([&](const Event& event) {
             const Duration age = event.when - session.created;
             return (is_sent(event) && age >= 120s) || (is_received(event) && age >= 180s - 10s - 5s);
           });
  }

  // Section 6.4's last rule: some data, sent 15 seconds ago, that nothing has followed. Data that was sent before this
  // was last said does not count.
  bool data_unanswered(Instant now) const {
    return any([&](const Event& data) {
      return data.what == Happened::kDataSent && now - data.when >= 15s &&
             !any([&](const Event& event) { return arrives(event) && event.when >= data.when; }) &&
             !any([&](const Event& event) {
               return event.what == Happened::kSaidUnanswered && event.when >= data.when;
             });
    });
  }

  // Section 6.5: some data, received 10 seconds ago, that nothing of ours has followed.
  bool data_unacknowledged(Instant now) const {
    return any([&](const Event& data) {
      return data.what == Happened::kDataReceived && now - data.when >= 10s &&
             !any([&](const Event& event) { return leaves(event) && event.when > data.when; }) &&
             !any([&](const Event& event) {
               return event.what == Happened::kSaidUnacknowledged && event.when >= data.when;
             });
    });
  }

  bool silent_for(Duration duration, Instant now) const {
    return !any([&](const Event& event) {
      return (leaves(event) || arrives(event) || event.what == Happened::kSaidSilent) && now - event.when < duration;
    });
  }

  const Event* newest_agreed() const {
    const Event* newest = nullptr;
    for (const Event& event : history_) {
      if (event.what == Happened::kAgreed) newest = &event;
      if (event.what == Happened::kKeysWiped) newest = nullptr;
    }
    return newest;
  }

  std::vector<Event> history_;
};

}  // namespace isthmus::tunnel
