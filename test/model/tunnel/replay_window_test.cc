// Against a set that remembers every counter.
#include "tunnel/replay_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_set>

#include "test/support/random.h"

namespace isthmus::tunnel {
namespace {

class NaiveWindow {
 public:
  bool may_accept(std::uint64_t counter) const {
    const bool too_old =
        !seen_.empty() && highest_ >= ReplayWindow::kWindow && counter <= highest_ - ReplayWindow::kWindow;
    return !too_old && !seen_.contains(counter);
  }
  bool accept(std::uint64_t counter) {
    if (!may_accept(counter)) return false;
    seen_.insert(counter);
    highest_ = std::max(highest_, counter);
    return true;
  }
  std::uint64_t highest() const { return highest_; }

 private:
  std::unordered_set<std::uint64_t> seen_;
  std::uint64_t highest_ = 0;
};

TEST(ReplayWindowModel, RandomOrders) {
  test::Random random;
  for (int round = 0; round < 40; ++round) {
    ReplayWindow window;
    NaiveWindow naive;
    // How far counters spread around the newest one, from neighbours to several whole turns of the ring.
    const std::uint64_t spread = std::uint64_t{1} << random.between(1, 15);
    for (int step = 0; step < 20'000; ++step) {
      const std::uint64_t back = random.below(2 * ReplayWindow::kBits);
      std::uint64_t counter = naive.highest() + random.below(spread);
      if (!random.one_in(4)) counter -= std::min(counter, back);
      ASSERT_EQ(window.may_accept(counter), naive.may_accept(counter)) << "counter " << counter;
      // Not every packet that looks new turns out to be authentic.
      if (random.one_in(8)) continue;
      ASSERT_EQ(window.accept(counter), naive.accept(counter)) << "counter " << counter;
    }
  }
}

}  // namespace
}  // namespace isthmus::tunnel
