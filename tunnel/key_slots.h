#pragma once
// The sessions of one peer, and which of them seals (section 6.1 and the three key pairs of WireGuard's
// implementations).
//
//   next      agreed by us as responder; may receive, must not send before the initiator has proven to have the keys
//   current   seals
//   previous  still receives what was on its way when current took its place
//   draining  the same for a few seconds more. Only when both sides begin a handshake at the same moment are there
//   four:
//             the old session, on which the peer still sends, is pushed out by two new ones at once
//
// Service thread. Every session in a slot is in the session table; one that leaves its slot is retired. While keys are
// rotated two pairings have slots, and only one of them the session that seals.

#include <memory>

#include "dataplane/packet/time.h"
#include "tunnel/peer_link.h"
#include "tunnel/session.h"
#include "tunnel/session_table.h"
#include "tunnel/tunnel.h"

namespace isthmus::tunnel {

class KeySlots {
 public:
  KeySlots(TunnelHost& host, SessionTable& table, PeerLink& link) : host_(host), table_(table), link_(link) {}
  KeySlots(const KeySlots&) = delete;
  KeySlots& operator=(const KeySlots&) = delete;
  // The workers have stopped by now: nothing is retired, the host may be gone.
  ~KeySlots();

  // The new session sends at once.
  void add_as_initiator(std::unique_ptr<Session> session, Instant now);
  // The new session waits in next.
  void add_as_responder(std::unique_ptr<Session> session);
  // The session with this index has authenticated its first message. True when it is current from now on.
  // `peer_wins_collision`: which of two sessions agreed at the same moment both sides keep, the peer's or ours.
  bool confirm(std::uint32_t local_index, bool peer_wins_collision);
  // Stops sending with a session that is too old or used up, and lets go of what has drained.
  void age(Instant now);
  // Looks at what has arrived in each session, now and then.
  void look(Instant now);
  // Empty messages on a session from which another has taken over: they tell the peer the last counter, and so what it
  // has lost of the session's end. To be called every 100 ms or so, until workers have surely sent their last with it.
  void take_leave(Instant now);
  void clear();
  // Nothing is sent with a session of these any more that has not sent before.
  void only_receive() {
    if (next_) withdraw(*next_);
  }

  // The session of link.sending, if it is one of these.
  Session* sending() const {
    Session* session = link_.sending.load(std::memory_order_relaxed);
    return session == current_.get() ? session : nullptr;
  }
  bool has(std::uint32_t local_index) const;
  std::size_t sessions() const;
  // A confirmation that a worker saw: whether its message about it arrives or not.
  Session* confirmed_next() const {
    return next_ && next_->confirmed.load(std::memory_order_acquire) ? next_.get() : nullptr;
  }
  Instant newest() const;

 private:
  void stop_sending();
  void withdraw(const Session& session);  // from link.next, if it stands there
  void retire(std::unique_ptr<Session>& slot);
  void drain(std::unique_ptr<Session>& slot, Instant now);

  TunnelHost& host_;
  SessionTable& table_;
  PeerLink& link_;
  std::unique_ptr<Session> next_;
  std::unique_ptr<Session> current_;
  std::unique_ptr<Session> previous_;
  std::unique_ptr<Session> draining_;
  Instant draining_since_ = kNever;
  Instant looked_ = kNever;
};

}  // namespace isthmus::tunnel
