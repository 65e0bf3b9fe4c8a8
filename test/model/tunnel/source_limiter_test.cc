// The limiter against a bucket that really holds tokens.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "test/support/random.h"
#include "tunnel/source_limiter.h"

namespace isthmus::tunnel {
namespace {

using namespace std::chrono_literals;

class SlowLimiter {
 public:
  bool allow(std::uint64_t source, Instant now) {
    auto [place, fresh] = buckets_.try_emplace(source, Bucket{kFull, now});
    Bucket& bucket = place->second;
    bucket.level = std::min(kFull, bucket.level + (now - bucket.at));
    bucket.at = now;
    if (bucket.level < SourceLimiter::kInterval) return false;
    bucket.level -= SourceLimiter::kInterval;
    return true;
  }

 private:
  static constexpr Duration kFull = SourceLimiter::kBurst * SourceLimiter::kInterval;
  struct Bucket {
    Duration level;  // in time that it takes to earn
    Instant at;
  };
  std::map<std::uint64_t, Bucket> buckets_;
};

TEST(SourceLimiterModel, CountsTokensRightly) {
  test::Random random;
  SourceLimiter limiter;
  SlowLimiter slow;
  Instant now{1000s};
  // Four fit a set, so none of these is ever forgotten, and some share one.
  std::vector<std::uint64_t> sources{1, 1 + SourceLimiter::kSources, 1 + 2 * SourceLimiter::kSources, random.word()};
  int refused = 0;
  for (int i = 0; i < 400'000; ++i) {
    // In bursts, at about the rate, and with long rests.
    if (random.one_in(4)) now += Duration{random.below(SourceLimiter::kInterval.count())};
    if (random.one_in(5'000)) now += Duration{random.below(Duration{5s}.count())};
    const std::uint64_t source = sources[random.one_in(3) ? random.below(sources.size()) : 0];
    const bool allowed = limiter.allow(source, now);
    refused += allowed ? 0 : 1;
    ASSERT_EQ(allowed, slow.allow(source, now)) << "step " << i;
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace isthmus::tunnel
