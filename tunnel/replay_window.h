#pragma once
// Which counters of a session have been seen (RFC 6479's ring of words; 8192 bits as in WireGuard's implementations).
// What has not been seen is on its way or lost: the window also tells how much that is (arrivals.h).

#include <array>
#include <atomic>
#include <cstdint>

namespace isthmus::tunnel {

// One worker at a time writes; no locks.
class ReplayWindow {
 public:
  static constexpr std::uint64_t kBits = 8192;
  // A packet this far behind the newest is refused: one word of the ring is always being reused.
  static constexpr std::uint64_t kWindow = kBits - 64;

  // Worker. Cheap look before decryption: could this counter still be new?
  bool may_accept(std::uint64_t counter) const;
  // Worker. After authentication: marks the counter; false when it has been seen or is too old.
  bool accept(std::uint64_t counter);
  // Worker. Counts a counter that may_accept refused: as a duplicate if it has been seen, not if it is too old to tell.
  // Its tag has not been verified: a forger must know the session's index and a counter that has passed. Whoever knows
  // those could as well send the peer's own message again.
  void refuse(std::uint64_t counter);

  // Any thread. Highest accepted counter + 1.
  std::uint64_t next() const { return next_.load(std::memory_order_acquire); }
  // Any thread. Counters below `mark`, or too old to be accepted any more, that have not been seen. Exact while the
  // worker rests; what it does meanwhile may hide some from the count and never adds one.
  std::uint64_t missing_below(std::uint64_t mark) const;
  std::uint64_t duplicates() const { return duplicates_.load(std::memory_order_relaxed); }
  std::uint64_t reordered() const { return reordered_.load(std::memory_order_relaxed); }  // came after a higher one

 private:
  using Word = std::atomic<std::uint64_t>;

  bool seen(std::uint64_t counter) const;

  Word next_{0};
  Word accepted_{0};
  Word duplicates_{0};
  Word reordered_{0};
  std::array<Word, kBits / 64> words_{};
};

}  // namespace isthmus::tunnel
