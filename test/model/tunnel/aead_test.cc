// The burst interface against the single-shot functions, which the vectors in test/kat vouch for.
#include "tunnel/aead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "test/support/random.h"
#include "tunnel/crypto.h"

namespace isthmus::tunnel {
namespace {

constexpr std::size_t kGuard = 16;
constexpr std::uint8_t kGuardByte = 0xa5;

// A message with room for its tag between guards that nobody may touch.
struct Message {
  SecretKey secret;
  AeadKey key;
  std::uint64_t counter = 0;
  std::vector<std::uint8_t> text;
  std::vector<std::uint8_t> buffer;

  AeadJob job() {
    return {.key = &key,
            .counter = counter,
            .data = buffer.data() + kGuard,
            .length = static_cast<std::uint32_t>(text.size())};
  }
  std::span<std::uint8_t> body() { return std::span(buffer).subspan(kGuard, text.size() + kAeadTagSize); }
  bool guards_stand() const {
    const auto is_guard = [](std::uint8_t byte) { return byte == kGuardByte; };
    return std::all_of(buffer.begin(), buffer.begin() + kGuard, is_guard) &&
           std::all_of(buffer.end() - kGuard, buffer.end(), is_guard);
  }
};

class AeadModel : public testing::TestWithParam<AeadChoice> {
 protected:
  AeadModel() : aead_(make_burst_aead(GetParam())) {
    for (SecretKey& key : keys_) std::ranges::copy(random_.bytes(kKeySize), key.bytes.begin());
  }

  Message make(std::size_t length) {
    Message message;
    // Few keys, so that neighbours in a burst often share one and often do not.
    message.secret = keys_[random_.below(keys_.size())];
    message.key.bytes = message.secret.bytes;
    message.counter = random_.engine()() >> random_.below(64);
    message.text = random_.bytes(length);
    message.buffer.assign(length + kAeadTagSize + 2 * kGuard, kGuardByte);
    std::ranges::copy(message.text, message.buffer.begin() + kGuard);
    return message;
  }

  static std::vector<AeadJob> jobs_of(std::vector<Message>& messages) {
    std::vector<AeadJob> jobs;
    jobs.reserve(messages.size());
    for (Message& message : messages) jobs.push_back(message.job());
    return jobs;
  }

  void expect_sealed(std::vector<Message>& messages) {
    auto jobs = jobs_of(messages);
    aead_->seal(jobs);
    for (Message& message : messages) {
      std::vector<std::uint8_t> expected(message.text.size() + kAeadTagSize);
      seal(message.secret, message.counter, message.text, {}, expected);
      ASSERT_TRUE(std::ranges::equal(message.body(), expected)) << "length " << message.text.size();
      ASSERT_TRUE(message.guards_stand()) << "length " << message.text.size();
    }
  }
  test::Random random_;
  std::array<SecretKey, 3> keys_;
  std::unique_ptr<BurstAead> aead_;
};

TEST_P(AeadModel, EveryLengthUpTo2048) {
  for (std::size_t first = 0; first <= 2048; first += 32) {
    std::vector<Message> messages;
    for (std::size_t length = first; length < first + 32 && length <= 2048; ++length) messages.push_back(make(length));
    expect_sealed(messages);
    auto jobs = jobs_of(messages);
    aead_->open(jobs);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      ASSERT_TRUE(jobs[i].authentic) << "length " << messages[i].text.size();
      ASSERT_TRUE(std::ranges::equal(messages[i].body().first(messages[i].text.size()), messages[i].text));
      ASSERT_TRUE(messages[i].guards_stand());
    }
  }
}

// Flipped bits are found, wherever they are, and do not disturb the messages beside them.
TEST_P(AeadModel, BitFlips) {
  for (int round = 0; round < 300; ++round) {
    std::vector<Message> messages;
    for (std::uint64_t i = 0, size = random_.between(1, 64); i < size; ++i)
      messages.push_back(make(random_.below(300)));
    expect_sealed(messages);
    std::vector<bool> flipped;
    for (Message& message : messages) {
      flipped.push_back(random_.one_in(2));
      const std::uint64_t bit = random_.below(8 * message.body().size());
      if (flipped.back()) message.body()[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    }
    auto jobs = jobs_of(messages);
    // A stale answer must not pass for a new one.
    for (AeadJob& job : jobs) job.authentic = true;
    aead_->open(jobs);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      ASSERT_EQ(jobs[i].authentic, !flipped[i]) << "round " << round << " job " << i;
      if (flipped[i]) continue;
      ASSERT_TRUE(std::ranges::equal(messages[i].body().first(messages[i].text.size()), messages[i].text));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Choices, AeadModel, testing::Values(AeadChoice::kAuto, AeadChoice::kPortable));

}  // namespace
}  // namespace isthmus::tunnel
