#include "tunnel/source_limiter.h"

#include <gtest/gtest.h>

#include "test/support/random.h"

namespace isthmus::tunnel {
namespace {

using namespace std::chrono_literals;

constexpr Instant kNow{1000s};

int allowed_of(SourceLimiter& limiter, std::uint64_t source, int tries, Instant now) {
  int allowed = 0;
  for (int i = 0; i < tries; ++i) allowed += limiter.allow(source, now) ? 1 : 0;
  return allowed;
}

TEST(SourceLimiter, ABurstThenTheRate) {
  SourceLimiter limiter;
  EXPECT_EQ(allowed_of(limiter, 7, 1000, kNow), SourceLimiter::kBurst);
  EXPECT_FALSE(limiter.allow(7, kNow + SourceLimiter::kInterval - 1ns));
  EXPECT_TRUE(limiter.allow(7, kNow + SourceLimiter::kInterval));
  EXPECT_FALSE(limiter.allow(7, kNow + SourceLimiter::kInterval));
  EXPECT_EQ(allowed_of(limiter, 7, 1000, kNow + 1s), 49);
  EXPECT_EQ(allowed_of(limiter, 7, 1000, kNow + 1h), SourceLimiter::kBurst) << "no more than a burst is saved up";
}

TEST(SourceLimiter, AFloodOfOneTakesNothingFromAnother) {
  SourceLimiter limiter;
  const std::uint64_t same_set = 7 + SourceLimiter::kSources;
  allowed_of(limiter, 7, 100'000, kNow);
  EXPECT_EQ(allowed_of(limiter, same_set, 1000, kNow), SourceLimiter::kBurst);
}

TEST(SourceLimiter, ACrowdLocksNobodyOut) {
  SourceLimiter limiter;
  test::Random random;
  Instant now = kNow;
  for (int second = 0; second < 5; ++second) {
    for (int i = 0; i < 200'000; ++i) limiter.allow(random.engine()(), now += 5us);
    EXPECT_TRUE(limiter.allow(7, now)) << "second " << second;
  }
}

TEST(SourceLimiter, WhoFloodsIsForgottenLast) {
  SourceLimiter limiter;
  allowed_of(limiter, 7, 1000, kNow);
  for (std::uint64_t i = 1; i <= 100; ++i) limiter.allow(7 + i * SourceLimiter::kSources, kNow);
  EXPECT_FALSE(limiter.allow(7, kNow));
}

}  // namespace
}  // namespace isthmus::tunnel
