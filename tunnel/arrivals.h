#pragma once
// What became of the messages that the peer has sent: their authenticated counters tell.
//
// A counter that was skipped belongs to a message that is late or lost. It counts as lost once two looks, kPatience
// apart, have found it missing, or the window has moved past it, or its session is over. Should it come after all it is
// let in as ever, and makes up for the next one that is lost: what has been told is not taken back.
//
// What was lost behind the last message that came is not known before another one comes. That is why a side whose
// session is replaced says good-bye on the old one (KeySlots::take_leave).

#include <cstdint>

#include "dataplane/packet/time.h"
#include "tunnel/replay_window.h"

namespace isthmus::tunnel {

// Since it was last asked for.
struct ArrivalNews {
  std::uint64_t lost = 0;
  std::uint64_t found = 0;  // more came that had been told lost than were lost
  std::uint64_t duplicate = 0;
  std::uint64_t reordered = 0;
  bool operator==(const ArrivalNews&) const = default;
};

// Of one session. Service thread.
class Arrivals {
 public:
  static constexpr Duration kPatience = std::chrono::seconds{1};

  // Not to be called again before kPatience has passed: what is missing now and was at the last look is lost.
  ArrivalNews look(const ReplayWindow& window);
  // The last look: no worker has the session any more.
  ArrivalNews conclude(const ReplayWindow& window) { return since_last(window, window.next()); }

 private:
  ArrivalNews since_last(const ReplayWindow& window, std::uint64_t mark);

  std::uint64_t mark_ = 0;  // counters below it had been sent by the time of the last look
  std::uint64_t lost_ = 0;
  std::uint64_t duplicate_ = 0;
  std::uint64_t reordered_ = 0;
};

// Of all sessions that a peer ever had.
class ArrivalTotals {
 public:
  void add(const ArrivalNews& news) {
    // A counter that went back would be worth nothing.
    found_ += news.found;
    const std::uint64_t made_up = news.lost < found_ ? news.lost : found_;
    found_ -= made_up;
    lost_ += news.lost - made_up;
    duplicate_ += news.duplicate;
    reordered_ += news.reordered;
  }
  std::uint64_t lost() const { return lost_; }
  std::uint64_t duplicate() const { return duplicate_; }
  std::uint64_t reordered() const { return reordered_; }

 private:
  std::uint64_t lost_ = 0;
  std::uint64_t found_ = 0;  // and not made up for yet
  std::uint64_t duplicate_ = 0;
  std::uint64_t reordered_ = 0;
};

}  // namespace isthmus::tunnel
