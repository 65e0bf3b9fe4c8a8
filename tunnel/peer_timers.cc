#include "tunnel/peer_timers.h"

#include <algorithm>

namespace isthmus::tunnel {

void PeerTimers::want_handshake(Instant now) {
  if (attempt_began_) return;
  attempt_began_ = now;
  next_initiation_ = last_initiation_ == kNever ? now : std::max(now, last_initiation_ + kRekeyTimeout);
}

void PeerTimers::initiation_sent(Instant now, Duration jitter) {
  last_initiation_ = now;
  next_initiation_ = now + kRekeyTimeout + jitter;
}

TimerActions PeerTimers::poll(const TimerInputs& inputs) {
  TimerActions actions;
  // Each is asked every time: it follows the traffic.
  const bool rekey = wants_rekey(inputs);
  const bool unanswered = data_unanswered(inputs);
  const bool unacknowledged = data_unacknowledged(inputs);
  const bool silence = silent(inputs);

  if (rekey || unanswered || (silence && !inputs.sending)) want_handshake(inputs.now);
  actions.send_keepalive = (unacknowledged || silence) && inputs.sending;
  actions.wipe_keys = inputs.newest_session != kNever && inputs.now - inputs.newest_session >= 3 * kRejectAfterTime;
  if (attempt_began_ && inputs.now - *attempt_began_ >= kRekeyAttemptTime) {
    attempt_began_.reset();
    actions.give_up = true;
  }
  actions.send_initiation = initiation_due(inputs.now);
  return actions;
}

bool PeerTimers::wants_rekey(const TimerInputs& inputs) {
  if (!inputs.sending) return false;
  const TimerInputs::Sending& session = *inputs.sending;
  if (session.messages >= kRekeyAfterMessages) return true;
  // Only the initiator, so that the two sides do not both begin at the same moment.
  if (!session.initiator) return false;
  // One who only receives has to begin early enough for a retry before the session ends.
  constexpr Duration kReceiving = kRejectAfterTime - kKeepaliveTimeout - kRekeyTimeout;
  return inputs.any_sent - session.created >= kRekeyAfterTime || inputs.any_received - session.created >= kReceiving;
}

bool PeerTimers::data_unanswered(const TimerInputs& inputs) {
  const Instant answered = any_received(inputs);
  if (answered >= unanswered_since_) unanswered_since_ = kNever;
  if (unanswered_since_ == kNever) {
    if (inputs.data_sent <= std::max(answered, answered_until_)) return false;
    unanswered_since_ = inputs.data_sent;
  }
  if (inputs.now - unanswered_since_ < kKeepaliveTimeout + kRekeyTimeout) return false;
  unanswered_since_ = kNever;
  answered_until_ = inputs.now;
  return true;
}

bool PeerTimers::data_unacknowledged(const TimerInputs& inputs) {
  const Instant acknowledged = any_sent(inputs);
  if (acknowledged > unacknowledged_since_) unacknowledged_since_ = kNever;
  if (unacknowledged_since_ == kNever) {
    // Equal times count as unacknowledged: a keepalive too many is better than a peer that takes us for dead.
    if (inputs.data_received < acknowledged || inputs.data_received <= acknowledged_until_) return false;
    unacknowledged_since_ = inputs.data_received;
  }
  if (inputs.now - unacknowledged_since_ < kKeepaliveTimeout) return false;
  unacknowledged_since_ = kNever;
  acknowledged_until_ = inputs.now;
  return true;
}

bool PeerTimers::silent(const TimerInputs& inputs) {
  if (inputs.persistent_keepalive <= Duration{0}) return false;
  const Instant last = std::max({any_sent(inputs), any_received(inputs), last_persistent_});
  if (last != kNever && inputs.now - last < inputs.persistent_keepalive) return false;
  last_persistent_ = inputs.now;
  return true;
}

Instant PeerTimers::any_sent(const TimerInputs& inputs) const { return std::max(inputs.any_sent, handshake_sent_); }

Instant PeerTimers::any_received(const TimerInputs& inputs) const {
  return std::max(inputs.any_received, handshake_received_);
}

}  // namespace isthmus::tunnel
