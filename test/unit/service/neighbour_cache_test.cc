#include "dataplane/service/neighbour_cache.h"

#include <gtest/gtest.h>

namespace isthmus::service {
namespace {

using namespace std::chrono_literals;

constexpr MacAddress kMac{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress kOther{{2, 0, 0, 0, 0, 9}};
const IpAddress kPod = Ipv4Address{0x0a090001};

IpAddress numbered(std::size_t i) { return Ipv4Address{static_cast<std::uint32_t>(0x0a000000 + i)}; }

class NeighbourCacheTest : public ::testing::Test {
 protected:
  // The questions about kPod sent meanwhile, with a tick four times a second.
  unsigned pass(Duration time) {
    unsigned asks = 0;
    for (const Instant end = now + time; now < end;) {
      now += 250ms;
      const auto due = cache.tick(now);
      asks += static_cast<unsigned>(due.asks.size());
      if (!due.asks.empty()) last = due.asks.back();
      changed = changed || due.changed;
    }
    return asks;
  }
  bool known() const { return cache.find(kPod) != nullptr; }
  void resolve() {
    ASSERT_TRUE(cache.solicit(kPod, now));
    ASSERT_TRUE(cache.hear(kPod, kMac, false, now));
  }

  NeighbourCache cache;
  Instant now{1000s};
  NeighbourCache::Ask last;
  bool changed = false;
};

TEST_F(NeighbourCacheTest, AsksOnceAndLearnsTheAnswer) {
  const auto question = cache.solicit(kPod, now);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->target, kPod);
  EXPECT_FALSE(question->last_known);
  EXPECT_FALSE(cache.solicit(kPod, now));  // one resolution at a time
  EXPECT_FALSE(known());
  EXPECT_TRUE(cache.hear(kPod, kMac, false, now));
  ASSERT_TRUE(known());
  EXPECT_EQ(*cache.find(kPod), kMac);
  EXPECT_FALSE(cache.solicit(kPod, now));
}

TEST_F(NeighbourCacheTest, AsksThreeTimesASecondApartThenPauses) {
  cache.solicit(kPod, now);
  EXPECT_EQ(pass(750ms), 0U);
  EXPECT_EQ(pass(250ms), 1U);
  EXPECT_FALSE(last.last_known);
  EXPECT_EQ(pass(1s), 1U);
  EXPECT_EQ(pass(750ms), 0U);
  EXPECT_FALSE(cache.solicit(kPod, now));
  EXPECT_EQ(pass(250ms), 0U);              // three lost
  EXPECT_FALSE(cache.solicit(kPod, now));  // failed a moment ago
  EXPECT_EQ(pass(1s), 0U);
  EXPECT_TRUE(cache.solicit(kPod, now));
  EXPECT_FALSE(changed);  // nobody ever knew it
}

TEST_F(NeighbourCacheTest, MayAskAnewAtTheVeryEndOfThePause) {
  cache.solicit(kPod, now);
  pass(3s);
  now += 1s;  // no tick meanwhile
  EXPECT_TRUE(cache.solicit(kPod, now));
  EXPECT_EQ(pass(5s), 2U);
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(NeighbourCacheTest, ALateAnswerStillCounts) {
  cache.solicit(kPod, now);
  pass(3s);
  EXPECT_TRUE(cache.hear(kPod, kMac, false, now));
  EXPECT_TRUE(known());
}

TEST_F(NeighbourCacheTest, ProbesWhatIsInUseWithoutLosingIt) {
  resolve();
  EXPECT_EQ(pass(29s), 0U);
  EXPECT_EQ(pass(1s), 1U);
  EXPECT_EQ(last.last_known, kMac);  // the known MAC first
  EXPECT_TRUE(known());
  EXPECT_FALSE(cache.hear(kPod, kMac, false, now));  // as it was: no change
  EXPECT_EQ(pass(29s), 0U);
  EXPECT_EQ(pass(1s), 1U);
  EXPECT_FALSE(changed);
}

TEST_F(NeighbourCacheTest, DropsWhatIsInUseAfterThreeLostProbes) {
  resolve();
  EXPECT_EQ(pass(32s), 3U);
  EXPECT_FALSE(last.last_known);  // the last one goes to everybody
  EXPECT_TRUE(known());
  EXPECT_FALSE(changed);
  pass(1s);
  EXPECT_FALSE(known());
  EXPECT_TRUE(changed);
  EXPECT_TRUE(cache.solicit(kPod, now));
}

TEST_F(NeighbourCacheTest, LearnsWhoAskedUsAndForgetsIt) {
  EXPECT_TRUE(cache.hear(kPod, kMac, true, now));
  EXPECT_TRUE(known());
  EXPECT_EQ(pass(29s), 0U);
  EXPECT_TRUE(known());
  EXPECT_EQ(pass(1s), 0U);  // never probed: nobody here needs it
  EXPECT_FALSE(known());
  EXPECT_TRUE(changed);
}

TEST_F(NeighbourCacheTest, ProbesWhoAskedUsOnceWeNeedIt) {
  cache.hear(kPod, kMac, true, now);
  EXPECT_FALSE(cache.solicit(kPod, now));
  EXPECT_EQ(pass(30s), 1U);
  EXPECT_TRUE(known());
}

TEST_F(NeighbourCacheTest, IgnoresStrangersWhoTellUnasked) {
  EXPECT_FALSE(cache.hear(kPod, kMac, false, now));
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(NeighbourCacheTest, FollowsAKnownNeighbourToAnotherMac) {
  resolve();
  EXPECT_TRUE(cache.hear(kPod, kOther, false, now));
  EXPECT_EQ(*cache.find(kPod), kOther);
}

TEST_F(NeighbourCacheTest, AFloodOfRequestsHasItsOwnSmallRoom) {
  resolve();
  for (std::size_t i = 0; i < 100'000; ++i)
    cache.hear(Ipv4Address{static_cast<std::uint32_t>(0x0b000000 + i)}, kOther, true, now);
  EXPECT_EQ(cache.size(), 1 + NeighbourCache::kMaxHeard);
  EXPECT_EQ(*cache.find(kPod), kMac);
  EXPECT_TRUE(cache.solicit(numbered(77), now));
  EXPECT_TRUE(cache.hear(numbered(77), kMac, false, now));
  pass(30s);
  EXPECT_EQ(cache.size(), 2U);  // the flood has run off
}

TEST_F(NeighbourCacheTest, AScanHasABoundedNumberOfQuestions) {
  std::size_t asked = 0;
  for (std::size_t i = 0; i < 100'000; ++i) asked += cache.solicit(numbered(i), now).has_value();
  EXPECT_EQ(asked, NeighbourCache::kMaxUnanswered);
  EXPECT_EQ(cache.size(), NeighbourCache::kMaxUnanswered);
  now += 1s;
  EXPECT_EQ(cache.tick(now).asks.size(), NeighbourCache::kMaxAsksPerTick);
  pass(10s);
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_TRUE(cache.solicit(kPod, now));
}

TEST_F(NeighbourCacheTest, HoldsABoundedNumberInUseAndEvictsNone) {
  for (std::size_t i = 0; i < NeighbourCache::kMaxAsked; ++i) {
    ASSERT_TRUE(cache.solicit(numbered(i), now)) << i;
    cache.hear(numbered(i), kMac, false, now);
  }
  EXPECT_FALSE(cache.solicit(Ipv4Address{0x0c000001}, now));
  for (std::size_t i = 0; i < NeighbourCache::kMaxAsked; ++i) ASSERT_NE(cache.find(numbered(i)), nullptr);
  std::size_t visited = 0;
  cache.each_known([&](const IpAddress&, const MacAddress&) { ++visited; });
  EXPECT_EQ(visited, NeighbourCache::kMaxAsked);
  EXPECT_LE(NeighbourCache::kMaxAsked + NeighbourCache::kMaxHeard, 65536U);
  pass(120s);  // 49152 entries take three probes each, at 4096 a second
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_TRUE(cache.solicit(kPod, now));  // the books balance
}

TEST_F(NeighbourCacheTest, KeepsFamiliesApart) {
  const IpAddress v6 = Ipv6Address{};
  cache.solicit(v6, now);
  cache.hear(v6, kMac, false, now);
  EXPECT_EQ(cache.find(Ipv4Address{}), nullptr);
  EXPECT_NE(cache.find(v6), nullptr);
}

}  // namespace
}  // namespace isthmus::service
