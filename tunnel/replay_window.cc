#include "tunnel/replay_window.h"

#include <algorithm>

#include "tunnel/wire.h"

namespace isthmus::tunnel {
namespace {

constexpr std::uint64_t kWords = ReplayWindow::kBits / 64;

std::uint64_t bit_of(std::uint64_t counter) { return std::uint64_t{1} << (counter % 64); }

}  // namespace

bool ReplayWindow::may_accept(std::uint64_t counter) const {
  if (counter >= next_) return counter < kRejectAfterMessages;
  if (next_ - counter > kWindow) return false;
  return (words_[counter / 64 % kWords] & bit_of(counter)) == 0;
}

bool ReplayWindow::accept(std::uint64_t counter) {
  if (!may_accept(counter)) return false;
  if (counter >= next_) {
    // The words between the newest one and the counter's belong to counters 8192 earlier: they become empty.
    const std::uint64_t newest = next_ == 0 ? 0 : (next_ - 1) / 64;
    const std::uint64_t steps = std::min(counter / 64 - newest, kWords);
    for (std::uint64_t i = 1; i <= steps; ++i) words_[(newest + i) % kWords] = 0;
    next_ = counter + 1;
  }
  words_[counter / 64 % kWords] |= bit_of(counter);
  return true;
}

}  // namespace isthmus::tunnel
