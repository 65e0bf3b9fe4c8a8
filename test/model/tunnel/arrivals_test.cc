// Against a twin that remembers every counter: over a link that loses, doubles and delays, what was sent is at any time
// what has come, what is lost and what may still come.
#include "tunnel/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "test/support/random.h"

namespace isthmus::tunnel {
namespace {

class NaiveArrivals {
 public:
  void arrive(std::uint64_t counter) {
    if (counter < oldest()) return;
    if (!came_.insert(counter).second) {
      ++duplicate_;
    } else if (counter < next_) {
      ++reordered_;
    }
    next_ = std::max(next_, counter + 1);
  }
  void look() {
    settle(std::max(seen_at_last_look_, oldest()));
    seen_at_last_look_ = next_;
  }
  void conclude() { settle(next_); }

  std::uint64_t next() const { return next_; }
  std::uint64_t came() const { return came_.size(); }
  std::uint64_t missing() const { return missing_; }
  std::uint64_t told() const { return told_; }
  std::uint64_t duplicate() const { return duplicate_; }
  std::uint64_t reordered() const { return reordered_; }

 private:
  std::uint64_t oldest() const { return next_ > ReplayWindow::kWindow ? next_ - ReplayWindow::kWindow : 0; }
  void settle(std::uint64_t border) {
    missing_ = 0;
    for (std::uint64_t counter = 0; counter < border; ++counter) missing_ += came_.contains(counter) ? 0 : 1;
    told_ = std::max(told_, missing_);
  }

  std::set<std::uint64_t> came_;
  std::uint64_t next_ = 0;
  std::uint64_t seen_at_last_look_ = 0;
  std::uint64_t missing_ = 0;
  std::uint64_t told_ = 0;
  std::uint64_t duplicate_ = 0;
  std::uint64_t reordered_ = 0;
};

class LossyLink {
 public:
  explicit LossyLink(test::Random& random)
      : random_(random),
        lost_of_1000_(random.below(500)),
        doubled_of_1000_(random.below(200)),
        longest_delay_(std::uint64_t{1} << random.below(15)) {}

  void run(std::uint64_t messages) {
    for (std::uint64_t sent = 0; sent < messages; ++sent) {
      if (random_.below(1000) >= lost_of_1000_) deliver_later(sent);
      while (random_.below(1000) < doubled_of_1000_) deliver_later(sent);
      deliver(sent);
      if (random_.one_in(1500)) look();
    }
    deliver(~std::uint64_t{0});
    look();
    conclude();
  }

 private:
  void deliver_later(std::uint64_t sent) { under_way_.emplace(sent + random_.below(longest_delay_), sent); }
  void deliver(std::uint64_t time) {
    for (; !under_way_.empty() && under_way_.begin()->first <= time; under_way_.erase(under_way_.begin())) {
      const std::uint64_t counter = under_way_.begin()->second;
      naive_.arrive(counter);
      // Half of them die of the look before decryption, as most duplicates do; the others of the one behind it.
      if (!window_.may_accept(counter) && random_.one_in(2)) {
        window_.refuse(counter);
      } else {
        window_.accept(counter);
      }
    }
  }
  void look() {
    totals_.add(arrivals_.look(window_));
    naive_.look();
    compare();
  }
  void conclude() {
    totals_.add(arrivals_.conclude(window_));
    naive_.conclude();
    compare();
    ASSERT_EQ(naive_.missing() + naive_.came(), naive_.next());
  }
  void compare() const {
    ASSERT_EQ(window_.next(), naive_.next());
    ASSERT_EQ(totals_.lost(), naive_.told());
    ASSERT_EQ(totals_.duplicate(), naive_.duplicate());
    ASSERT_EQ(totals_.reordered(), naive_.reordered());
    // Everything missing, the open gaps included.
    ASSERT_EQ(window_.missing_below(window_.next()), naive_.next() - naive_.came());
  }

  test::Random& random_;
  const std::uint64_t lost_of_1000_;
  const std::uint64_t doubled_of_1000_;
  const std::uint64_t longest_delay_;  // in messages sent meanwhile; the longest ones outrun the window
  std::multimap<std::uint64_t, std::uint64_t> under_way_;
  ReplayWindow window_;
  Arrivals arrivals_;
  ArrivalTotals totals_;
  NaiveArrivals naive_;
};

TEST(ArrivalsModel, LossyLinks) {
  test::Random random;
  for (int round = 0; round < 40 && !testing::Test::HasFatalFailure(); ++round) LossyLink(random).run(20'000);
}

}  // namespace
}  // namespace isthmus::tunnel
