#include "tunnel/source_limiter.h"

#include <algorithm>

namespace isthmus::tunnel {

bool SourceLimiter::allow(std::uint64_t source, Instant now) {
  auto& buckets = sets_[source % sets_.size()].buckets;
  auto bucket = std::ranges::find(buckets, source, &Bucket::source);
  if (bucket == buckets.end()) {
    // The fullest has the least to forget.
    bucket = std::ranges::min_element(buckets, {}, &Bucket::full_at);
    *bucket = {source, now};
  }
  bucket->full_at = std::max(bucket->full_at, now);
  if (bucket->full_at - now > (kBurst - 1) * kInterval) return false;
  bucket->full_at += kInterval;
  return true;
}

}  // namespace isthmus::tunnel
