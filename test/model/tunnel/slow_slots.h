#pragma once
// The key slots once more, deliberately naive: keeps every session that ever was in one line, in the order in which
// they took their place, and tells from the line's end which of them still count.

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "tunnel/session.h"

namespace isthmus::tunnel {

class SlowSlots {
 public:
  void agreed_as_initiator(const Session* session, Instant now) {
    if (waiting_ != nullptr) {
      // Two take their place at once. Whoever stood last before them goes in a few seconds only.
      draining_ = line_.empty() ? nullptr : line_.back();
      draining_until_ = now + 5s;
      line_.push_back(std::exchange(waiting_, nullptr));
    }
    line_.push_back(session);
    silenced_ = false;
  }

  void agreed_as_responder(const Session* session) { waiting_ = session; }

  // Whether the session is the one that seals from now on, and was not before.
  bool confirmed(const Session* session, bool peer_wins_collision) {
    if (session == waiting_) {
      line_.push_back(std::exchange(waiting_, nullptr));
    } else if (peer_wins_collision && collided() && session == line_[line_.size() - 2]) {
      std::iter_swap(line_.end() - 1, line_.end() - 2);
    } else {
      return false;
    }
    silenced_ = false;
    return true;
  }

  void aged(Instant now) {
    const Session* last = sending();
    if (last != nullptr) silenced_ = now - last->created >= 180s || last->nonces_used() >= kRejectAfterMessages;
    if (now >= draining_until_) draining_ = nullptr;
  }

  void cleared() {
    line_.clear();
    waiting_ = draining_ = nullptr;
  }

  const Session* sending() const { return line_.empty() || silenced_ ? nullptr : line_.back(); }

  const Session* waiting() const { return waiting_; }

  // Those with which packets still come in.
  std::set<const Session*> receiving() const {
    std::set<const Session*> all = lasting();
    all.insert(draining_);
    all.erase(nullptr);
    return all;
  }
  Instant newest() const {
    Instant newest = kNever;
    for (const Session* session : lasting()) {
      if (session != nullptr) newest = std::max(newest, session->created);
    }
    return newest;
  }

 private:
  std::set<const Session*> lasting() const {
    std::set<const Session*> all{waiting_};
    for (std::size_t i = 0; i < std::min<std::size_t>(2, line_.size()); ++i) all.insert(line_[line_.size() - 1 - i]);
    return all;
  }

  // Did both sides begin within one timeout, so that the last two are one of theirs and one of ours?
  bool collided() const {
    if (line_.size() < 2) return false;
    const Session* theirs = line_[line_.size() - 2];
    const Session* ours = line_.back();
    return ours->initiator && !theirs->initiator && ours->created - theirs->created < 5s;
  }

  std::vector<const Session*> line_;
  const Session* waiting_ = nullptr;  // agreed, and not yet confirmed by its initiator
  const Session* draining_ = nullptr;
  Instant draining_until_ = kNever;
  bool silenced_ = false;  // the last one may not seal any more
};

}  // namespace isthmus::tunnel
