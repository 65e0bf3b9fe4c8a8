#include "tunnel/aead.h"

#include <gtest/gtest.h>

#include <vector>

namespace isthmus::tunnel {
namespace {

TEST(BurstAead, NamesItself) { EXPECT_EQ(make_burst_aead(AeadChoice::kPortable)->name(), "portable"); }

TEST(BurstAead, AnEmptyBurstIsFine) {
  const auto aead = make_burst_aead(AeadChoice::kAuto);
  aead->seal({});
  aead->open({});
}

// One object seals and opens with changing keys: the directions do not share what they remember of a key.
TEST(BurstAead, KeysChangeAtTheSamePlace) {
  const auto aead = make_burst_aead(AeadChoice::kPortable);
  AeadKey key;  // all zero first, as in a fresh context
  for (std::uint8_t round = 0; round < 4; ++round) {
    key.bytes.fill(round);
    std::vector<std::uint8_t> data(32 + kAeadTagSize, 0x61);
    AeadJob job{.key = &key, .counter = round, .data = data.data(), .length = 32};
    aead->seal({&job, 1});
    EXPECT_NE(data[0], 0x61);
    AeadKey wrong;
    wrong.bytes.fill(0xff);
    auto copy = data;
    AeadJob refused{.key = &wrong, .counter = round, .data = copy.data(), .length = 32};
    aead->open({&refused, 1});
    EXPECT_FALSE(refused.authentic);
    aead->open({&job, 1});
    EXPECT_TRUE(job.authentic);
    EXPECT_EQ(data[31], 0x61);
  }
}

TEST(BurstAead, TheCounterIsTheNonce) {
  const auto aead = make_burst_aead(AeadChoice::kPortable);
  const AeadKey key;
  for (unsigned bit = 0; bit < 64; ++bit) {
    std::vector<std::uint8_t> data(kAeadTagSize);
    AeadJob job{.key = &key, .counter = 0, .data = data.data(), .length = 0};
    aead->seal({&job, 1});
    job.counter = std::uint64_t{1} << bit;
    aead->open({&job, 1});
    EXPECT_FALSE(job.authentic) << bit;
  }
}

}  // namespace
}  // namespace isthmus::tunnel
