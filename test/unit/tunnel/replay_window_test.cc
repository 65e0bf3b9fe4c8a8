#include "tunnel/replay_window.h"

#include <gtest/gtest.h>

#include "tunnel/wire.h"

namespace isthmus::tunnel {
namespace {

constexpr std::uint64_t kWindow = ReplayWindow::kWindow;
constexpr std::uint64_t kBits = ReplayWindow::kBits;

struct Row {
  int number;
  std::uint64_t counter;
  bool accepted;
};

void expect_rows(std::initializer_list<Row> rows) {
  ReplayWindow window;
  for (const Row& row : rows) {
    EXPECT_EQ(window.may_accept(row.counter), row.accepted) << "row " << row.number;
    EXPECT_EQ(window.accept(row.counter), row.accepted) << "row " << row.number;
    EXPECT_FALSE(window.may_accept(row.counter)) << "row " << row.number;
  }
}

TEST(ReplayWindow, TruthTable) {
  expect_rows({
      {1, 0, true},
      {2, 0, false},
      {3, 1, true},
      {4, 1, false},
      {5, 9, true},
      {6, 8, true},
      {7, 7, true},
      {8, 7, false},
      {9, kWindow, true},        // now 0 is exactly kWindow behind
      {10, 0, false},            //
      {11, 2, true},             // and these are not yet
      {12, 3, true},             //
      {13, 2, false},            //
      {14, kWindow + 16, true},  //
      {15, 16, false},           // kWindow behind: too old, though never seen
      {16, 17, true},            // the oldest that counts
      {17, 17, false},           //
      {18, kWindow + 16, false},
  });
}

TEST(ReplayWindow, WordBordersAndWholeTurns) {
  expect_rows({
      {1, 63, true},
      {2, 64, true},
      {3, 62, true},
      {4, 127, true},
      {5, 128, true},
      {6, 63, false},
      {7, 64 + kBits, true},       // the same bit as 64, one turn later
      {8, 127 + kBits, true},      //
      {9, 65 + kBits, true},       //
      {10, 128, false},            // too old by now
      {11, 63 + 3 * kBits, true},  // all words are skipped at once
      {12, 64 + 2 * kBits, false},
      {13, 64 + 3 * kBits - kWindow, true},  // the oldest that counts; no word remembers an earlier turn
      {14, 62 + 3 * kBits, true},
      {15, 62 + 3 * kBits, false},
  });
}

TEST(ReplayWindow, ALostStretchLeavesNothingBehind) {
  ReplayWindow window;
  for (std::uint64_t i = 0; i < kBits; ++i) ASSERT_TRUE(window.accept(i));
  ASSERT_TRUE(window.accept(2 * kBits - 1));
  for (std::uint64_t i = 2 * kBits - kWindow; i < 2 * kBits - 1; ++i) ASSERT_TRUE(window.may_accept(i)) << i;
}

TEST(ReplayWindow, CountersEndBeforeTheyRepeat) {
  ReplayWindow window;
  EXPECT_FALSE(window.accept(~std::uint64_t{0}));
  EXPECT_FALSE(window.accept(kRejectAfterMessages));
  EXPECT_TRUE(window.accept(kRejectAfterMessages - 1));
  EXPECT_FALSE(window.accept(kRejectAfterMessages - 1));
  EXPECT_TRUE(window.accept(kRejectAfterMessages - 2));
  EXPECT_FALSE(window.accept(0));
}

}  // namespace
}  // namespace isthmus::tunnel
