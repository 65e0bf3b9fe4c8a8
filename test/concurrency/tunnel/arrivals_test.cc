// The service thread looks at windows that a worker moves. It may come to know of a loss late, but never of one that
// there is not; and when the worker rests it knows all.
#include "tunnel/arrivals.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "test/support/random.h"

namespace isthmus::tunnel {
namespace {

TEST(Arrivals, NeverMoreThanWasLost) {
  test::Random random;
  ReplayWindow window;
  std::atomic<std::uint64_t> lost{0};
  std::atomic<bool> done{false};
  std::thread worker([&] {
    std::uint64_t counter = 0;
    for (int i = 0; i < 1'000'000; ++i, ++counter) {
      if (random.one_in(50)) {
        // Counted before anybody can find them missing.
        const std::uint64_t gap = random.one_in(1000) ? random.below(3 * ReplayWindow::kBits) : random.below(20);
        lost.fetch_add(gap);
        counter += gap;
      }
      window.accept(counter);
    }
    done = true;
  });

  Arrivals arrivals;
  ArrivalTotals totals;
  std::int64_t most = 0;
  while (!done) {
    totals.add(arrivals.look(window));
    most = std::max(most, static_cast<std::int64_t>(totals.lost() - lost.load()));
  }
  worker.join();
  EXPECT_EQ(most, 0);
  totals.add(arrivals.look(window));
  totals.add(arrivals.look(window));
  EXPECT_EQ(totals.lost(), lost.load());
}

}  // namespace
}  // namespace isthmus::tunnel
