#include "tunnel/replay_window.h"

#include <algorithm>
#include <bit>

#include "tunnel/wire.h"

namespace isthmus::tunnel {
namespace {

constexpr std::uint64_t kWords = ReplayWindow::kBits / 64;

std::uint64_t bit_of(std::uint64_t counter) { return std::uint64_t{1} << (counter % 64); }

std::uint64_t value_of(const std::atomic<std::uint64_t>& word) { return word.load(std::memory_order_relaxed); }

// No lock prefix: there is only one writer.
void add_one(std::atomic<std::uint64_t>& count) { count.store(value_of(count) + 1, std::memory_order_relaxed); }

}  // namespace

bool ReplayWindow::may_accept(std::uint64_t counter) const {
  const std::uint64_t next = value_of(next_);
  if (counter >= next) return counter < kRejectAfterMessages;
  return next - counter <= kWindow && !seen(counter);
}

bool ReplayWindow::accept(std::uint64_t counter) {
  if (!may_accept(counter)) {
    refuse(counter);
    return false;
  }
  // Who sees its bit, or `next` moved by it, shall find it counted (missing_below).
  add_one(accepted_);
  const std::uint64_t next = value_of(next_);
  if (counter >= next) {
    // The words between the newest one and the counter's belong to counters 8192 earlier: they become empty.
    const std::uint64_t newest = next == 0 ? 0 : (next - 1) / 64;
    const std::uint64_t steps = std::min(counter / 64 - newest, kWords);
    for (std::uint64_t i = 1; i <= steps; ++i) words_[(newest + i) % kWords].store(0, std::memory_order_relaxed);
    next_.store(counter + 1, std::memory_order_release);
  } else {
    add_one(reordered_);
  }
  Word& word = words_[counter / 64 % kWords];
  word.store(value_of(word) | bit_of(counter), std::memory_order_release);
  return true;
}

void ReplayWindow::refuse(std::uint64_t counter) {
  const std::uint64_t next = value_of(next_);
  if (counter < next && next - counter <= kWindow) add_one(duplicates_);
}

// What has been seen below the border is all that has been seen but the bits from the border on. The order of the looks
// makes the result a lower bound: the words of [border, next) are clean of older counters once `next` is known, and
// whatever of the worker's doings shows in `next` or in a bit is in `accepted`, which is read last.
std::uint64_t ReplayWindow::missing_below(std::uint64_t mark) const {
  const std::uint64_t next = next_.load(std::memory_order_acquire);
  const std::uint64_t border = std::clamp(mark, next - std::min(next, kWindow), next);
  std::uint64_t above = 0;
  for (std::uint64_t first = border; first < next; first = (first / 64 + 1) * 64) {
    const std::uint64_t word = words_[first / 64 % kWords].load(std::memory_order_acquire);
    above += static_cast<std::uint64_t>(std::popcount(word >> (first % 64)));
  }
  const std::uint64_t below = value_of(accepted_) - above;
  return border - std::min(border, below);
}

bool ReplayWindow::seen(std::uint64_t counter) const {
  return (value_of(words_[counter / 64 % kWords]) & bit_of(counter)) != 0;
}

}  // namespace isthmus::tunnel
