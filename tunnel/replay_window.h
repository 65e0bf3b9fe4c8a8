#pragma once
// Which counters of a session have been seen (RFC 6479's ring of words; 8192 bits as in WireGuard's implementations).

#include <array>
#include <cstdint>

namespace isthmus::tunnel {

// One worker at a time; no locks.
class ReplayWindow {
 public:
  static constexpr std::uint64_t kBits = 8192;
  // A packet this far behind the newest is refused: one word of the ring is always being reused.
  static constexpr std::uint64_t kWindow = kBits - 64;

  void prefetch(std::uint64_t counter) const {
    __builtin_prefetch(&next_);
    __builtin_prefetch(&words_[counter / 64 % words_.size()], 1);
  }
  // Cheap look before decryption: could this counter still be new?
  bool may_accept(std::uint64_t counter) const;
  // After authentication: marks the counter; false when it has been seen or is too old.
  bool accept(std::uint64_t counter);

 private:
  std::uint64_t next_ = 0;  // highest accepted counter + 1
  std::array<std::uint64_t, kBits / 64> words_{};
};

}  // namespace isthmus::tunnel
