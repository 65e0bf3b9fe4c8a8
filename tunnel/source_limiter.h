#pragma once
// A token bucket for each source of handshake messages, in a table that never grows.

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/packet/time.h"

namespace isthmus::tunnel {

// One thread's. A bucket knows exactly whose it is, so two sources never share one: who floods cannot use up another's
// tokens. What a crowd of sources can do is make the table forget: then a source has all its tokens again. That errs
// on the side of letting pass, which the bounded queue behind can bear, and nobody can be locked out.
class SourceLimiter {
 public:
  // WireGuard's implementations serve 50 initiations a second of one peer. All lanes of a gateway may begin at the same
  // moment, and once more.
  static constexpr Duration kInterval{20'000'000};
  static constexpr int kBurst = 128;
  static constexpr std::size_t kSources = 8192;

  SourceLimiter() : sets_(kSources / kWays) {}

  // Takes a token of the source's, if there is one. `source` is its keyed hash, so that no outsider can choose whom it
  // shares a set with.
  bool allow(std::uint64_t source, Instant now);

 private:
  static constexpr std::size_t kWays = 4;
  struct Bucket {
    std::uint64_t source = 0;
    // When the bucket is full again: each token taken adds kInterval. In the past: full.
    Instant full_at = kNever;
  };
  struct alignas(64) Set {
    std::array<Bucket, kWays> buckets;
  };

  std::vector<Set> sets_;
};

}  // namespace isthmus::tunnel
