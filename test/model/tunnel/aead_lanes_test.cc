// Every implementation of the burst interface against the single-shot functions, which the vectors in test/kat vouch
// for: bursts of all shapes, because which message shares a pass or a lane with which depends on all of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "test/support/random.h"
#include "tunnel/aead.h"
#include "tunnel/crypto.h"

namespace isthmus::tunnel {
namespace {

constexpr std::size_t kGuard = 64;
constexpr std::uint8_t kGuardByte = 0xa5;

struct Message {
  const AeadKey* key = nullptr;
  std::uint64_t counter = 0;
  std::vector<std::uint8_t> text;
  std::vector<std::uint8_t> buffer;
  std::size_t at = 0;  // in buffer: any alignment
  bool flipped = false;

  std::span<std::uint8_t> body() { return std::span(buffer).subspan(at, text.size() + kAeadTagSize); }
  AeadJob job() {
    return {.key = key,
            .counter = counter,
            .data = buffer.data() + at,
            .length = static_cast<std::uint32_t>(text.size()),
            .authentic = flipped};  // a stale answer must not pass for a new one
  }
  bool guards_stand() const {
    const auto is_guard = [](std::uint8_t byte) { return byte == kGuardByte; };
    const auto end = buffer.begin() + static_cast<std::ptrdiff_t>(at + text.size() + kAeadTagSize);
    return std::all_of(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(at), is_guard) &&
           std::all_of(end, buffer.end(), is_guard);
  }
};

class AeadBursts : public testing::TestWithParam<AeadChoice> {
 protected:
  void SetUp() override {
    if (!cpu_runs(GetParam())) GTEST_SKIP() << "NOT TESTED: this CPU does not run this implementation";
    aead_ = make_burst_aead(GetParam());
    for (AeadKey& key : keys_) std::ranges::copy(random_.bytes(kKeySize), key.bytes.begin());
    keys_.back() = keys_.front();  // equal keys at different places
  }

  void add(std::size_t length, std::size_t keys) {
    Message& message = messages_.emplace_back();
    message.key = &keys_[random_.below(keys)];
    message.counter = random_.one_in(3) ? messages_.size() : random_.engine()();
    message.text = random_.bytes(length);
    message.at = random_.between(1, kGuard - 1);
    message.buffer.assign(length + kAeadTagSize + 2 * kGuard, kGuardByte);
    std::ranges::copy(message.text, message.body().begin());
  }

  std::vector<AeadJob> jobs() {
    std::vector<AeadJob> jobs;
    for (Message& message : messages_) jobs.push_back(message.job());
    return jobs;
  }

  // Seals, compares, flips a bit here and there, opens, compares.
  void expect_right(bool flips) {
    auto burst = jobs();
    aead_->seal(burst);
    std::vector<std::uint8_t> expected;
    for (Message& message : messages_) {
      SecretKey key;
      key.bytes = message.key->bytes;
      expected.resize(message.text.size() + kAeadTagSize);
      seal(key, message.counter, message.text, {}, expected);
      ASSERT_TRUE(std::ranges::equal(message.body(), expected)) << describe(message);
      ASSERT_TRUE(message.guards_stand()) << describe(message);
      message.flipped = flips && random_.one_in(4);
      // The tag is 16 bytes of a message, but half of the errors that may be made.
      const std::uint64_t byte =
          random_.one_in(2) ? message.text.size() + random_.below(kAeadTagSize) : random_.below(message.body().size());
      if (message.flipped) message.body()[byte] ^= static_cast<std::uint8_t>(1U << random_.below(8));
    }
    burst = jobs();
    aead_->open(burst);
    for (std::size_t i = 0; i < burst.size(); ++i) {
      Message& message = messages_[i];
      ASSERT_EQ(burst[i].authentic, !message.flipped) << describe(message);
      ASSERT_TRUE(message.guards_stand()) << describe(message);
      if (message.flipped) continue;
      ASSERT_TRUE(std::ranges::equal(message.body().first(message.text.size()), message.text)) << describe(message);
    }
    messages_.clear();
  }

  std::string describe(const Message& message) const {
    return "length " + std::to_string(message.text.size()) + " in a burst of " + std::to_string(messages_.size());
  }

  std::size_t some_length(std::uint64_t shape) {
    switch (shape) {
      case 0:
        return random_.below(random_.one_in(3) ? 9001 : 200);
      case 1:
        return random_.below(200);
      case 2:
        return 16 * random_.below(94);
      case 3:
        return random_.below(12) < 7 ? 64 : random_.below(5) < 4 ? 570 : 1420;
      case 4:
        return random_.one_in(10) ? 9000 : 64;
      default:
        return random_.below(1500);
    }
  }

  test::Random random_;
  std::array<AeadKey, 64> keys_;
  std::vector<Message> messages_;
  std::unique_ptr<BurstAead> aead_;
};

TEST_P(AeadBursts, EveryLengthInBurstsOfEqualOnes) {
  for (std::size_t length = 0; length <= 2048; ++length) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{3}, std::size_t{17}, random_.between(2, 64)}) {
      for (std::size_t i = 0; i < count; ++i) add(length, 2);
      ASSERT_NO_FATAL_FAILURE(expect_right(length % 4 == 0));
    }
  }
}

TEST_P(AeadBursts, AnyShape) {
  for (std::size_t round = 0; round < 4000; ++round) {
    const std::uint64_t shape = random_.below(6);
    const std::size_t keys = random_.one_in(3) ? 1 : random_.between(1, keys_.size());
    const std::size_t count = random_.one_in(20) ? random_.between(65, 512) : random_.between(1, 64);
    for (std::size_t i = 0; i < count; ++i) add(some_length(shape), keys);
    ASSERT_NO_FATAL_FAILURE(expect_right(random_.one_in(2)));
  }
}

std::string name_of(const testing::TestParamInfo<AeadChoice>& info) {
  constexpr const char* kNames[] = {"auto", "portable", "avx2", "avx512"};
  return kNames[static_cast<std::size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Each, AeadBursts,
                         testing::Values(AeadChoice::kPortable, AeadChoice::kAvx2, AeadChoice::kAvx512), name_of);

}  // namespace
}  // namespace isthmus::tunnel
