// What the lanes promise beyond right answers: edge cases of Poly1305, no byte touched outside a message, nothing
// secret left behind, constant time. Right answers on random bursts are in test/model. Every implementation of this
// CPU.
#include "tunnel/aead_lanes.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "test/support/random.h"
#include "tunnel/crypto.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define RUNNING_ON_VALGRIND 0U
#define VALGRIND_MAKE_MEM_UNDEFINED(place, size) (void)(place)
#define VALGRIND_MAKE_MEM_DEFINED(place, size) (void)(place)
#define VALGRIND_COUNT_ERRORS 0U
#endif

namespace isthmus::tunnel {
namespace {

constexpr std::size_t kMost = 512;  // jobs of a burst in these tests

std::string name_of(const testing::TestParamInfo<AeadChoice>& info) {
  switch (info.param) {
    case AeadChoice::kAuto:
      return "auto";
    case AeadChoice::kPortable:
      return "portable";
    case AeadChoice::kAvx2:
      return "avx2";
    case AeadChoice::kAvx512:
      return "avx512";
  }
  return "unknown";
}

class AeadLanes : public testing::TestWithParam<AeadChoice> {
 protected:
  void SetUp() override {
    if (!cpu_runs(GetParam())) GTEST_SKIP() << "NOT TESTED: this CPU does not run this implementation";
    aead_ = make_burst_aead(GetParam());
    for (AeadKey& key : keys_) std::ranges::copy(random_.bytes(kAeadKeySize), key.bytes.begin());
  }

  static std::vector<std::uint8_t> sealed(const AeadJob& job, std::span<const std::uint8_t> text) {
    SecretKey key;
    key.bytes = job.key->bytes;
    std::vector<std::uint8_t> result(text.size() + kAeadTagSize);
    tunnel::seal(key, job.counter, text, {}, result);
    return result;
  }

  // RFC 8439 section 2.6: the beginning of block 0.
  static std::array<std::uint8_t, 32> one_time_key(const AeadJob& job) {
    std::array<std::uint8_t, 16> start{};  // the block counter, then the nonce
    std::memcpy(start.data() + 8, &job.counter, sizeof(job.counter));
    std::array<std::uint8_t, 32> key{};
    int written = 0;
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                  EVP_CIPHER_CTX_free);
    EVP_EncryptInit_ex(context.get(), EVP_chacha20(), nullptr, job.key->bytes.data(), start.data());
    EVP_EncryptUpdate(context.get(), key.data(), &written, key.data(), static_cast<int>(key.size()));
    return key;
  }

  // How many words of the object are among the secrets.
  std::size_t words_found(std::vector<std::uint32_t>& secrets) const {
    std::ranges::sort(secrets);
    void* const object = dynamic_cast<void*>(aead_.get());
    std::vector<std::uint32_t> words(malloc_usable_size(object) / 4);
    std::memcpy(words.data(), object, words.size() * 4);
    return static_cast<std::size_t>(
        std::ranges::count_if(words, [&](std::uint32_t word) { return std::ranges::binary_search(secrets, word); }));
  }

  test::Random random_;
  std::array<AeadKey, 8> keys_;
  std::unique_ptr<BurstAead> aead_;
};

TEST_P(AeadLanes, IsWhatWasAskedFor) {
  if (GetParam() == AeadChoice::kAuto) {
    EXPECT_NE(aead_->name(), cpu_runs(AeadChoice::kAvx2) ? "portable" : "");
  } else {
    EXPECT_EQ(aead_->name(), name_of({GetParam(), 0}));
  }
}

// Messages that begin right behind, or end with their tag right before, a page that must not be touched.
TEST_P(AeadLanes, TouchesNothingOutside) {
  constexpr std::size_t kPage = 4096, kRoom = 4 * kPage, kStride = kRoom + kPage, kSlots = 80;
  auto* const memory = static_cast<std::uint8_t*>(
      mmap(nullptr, kSlots * kStride + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  for (std::size_t i = 0; i <= kSlots; ++i) ASSERT_EQ(mprotect(memory + i * kStride, kPage, PROT_NONE), 0);
  for (int round = 0; round < 400; ++round) {
    const std::uint64_t kind = random_.below(4);
    const std::uint64_t same = random_.below(1500);
    std::vector<AeadJob> jobs(random_.between(1, kSlots));
    std::vector<std::vector<std::uint8_t>> texts;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const std::uint64_t lengths[4] = {random_.below(200), random_.below(9001), 16 * random_.below(94), same};
      texts.push_back(random_.bytes(lengths[kind]));
      std::uint8_t* const low = memory + i * kStride + kPage;
      std::uint8_t* const at = random_.one_in(2) ? low : low + kRoom - texts[i].size() - kAeadTagSize;
      jobs[i] = {.key = &keys_[random_.below(keys_.size())],
                 .counter = random_.engine()(),
                 .data = at,
                 .length = static_cast<std::uint32_t>(texts[i].size())};
      std::ranges::copy(texts[i], at);
    }
    aead_->seal(jobs);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      ASSERT_TRUE(
          std::ranges::equal(sealed(jobs[i], texts[i]), std::span(jobs[i].data, texts[i].size() + kAeadTagSize)))
          << "length " << texts[i].size();
    }
    aead_->open(jobs);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      ASSERT_TRUE(jobs[i].authentic);
      ASSERT_TRUE(std::ranges::equal(texts[i], std::span(jobs[i].data, texts[i].size())));
    }
  }
  munmap(memory, kSlots * kStride + kPage);
}

// A forged message is not decrypted and does not disturb the others, wherever it stands and however many there are.
TEST_P(AeadLanes, ForgedMessagesStaySealed) {
  if (aead_->name() == "portable") GTEST_SKIP() << "a promise of the lanes";
  for (const std::size_t count : {1, 2, 3, 17, 40, 64, 65, 200}) {
    for (const std::size_t length : {0, 16, 64, 65, 300, 1420}) {
      std::vector<std::vector<std::uint8_t>> buffers(count);
      std::vector<AeadJob> jobs(count);
      for (std::size_t i = 0; i < count; ++i) {
        buffers[i] = random_.bytes(length + kAeadTagSize);
        jobs[i] = {.key = &keys_[i % 3],
                   .counter = i,
                   .data = buffers[i].data(),
                   .length = static_cast<std::uint32_t>(length - length * (i % 2) / 3)};
      }
      const auto texts = buffers;
      aead_->seal(jobs);
      const std::uint64_t every = random_.between(1, 4);
      for (std::size_t i = 0; i < count; i += every) {
        jobs[i].data[random_.below(jobs[i].length + kAeadTagSize)] ^= static_cast<std::uint8_t>(1U << random_.below(8));
      }
      const auto wire = buffers;
      aead_->open(jobs);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(jobs[i].authentic, i % every != 0) << count << " of " << length << ", " << i;
        const auto& expected = jobs[i].authentic ? texts[i] : wire[i];
        ASSERT_TRUE(std::equal(jobs[i].data, jobs[i].data + jobs[i].length, expected.begin())) << i;
      }
    }
  }
}

TEST_P(AeadLanes, AnyNumberOfMessages) {
  for (std::size_t count = 0; count <= kMost; count += count < 70 ? 1 : 41) {
    std::vector<std::vector<std::uint8_t>> buffers(count);
    std::vector<AeadJob> jobs(count);
    for (std::size_t i = 0; i < count; ++i) {
      buffers[i] = random_.bytes(random_.below(300) + kAeadTagSize);
      jobs[i] = {.key = &keys_[random_.below(3)],
                 .counter = random_.engine()(),
                 .data = buffers[i].data(),
                 .length = static_cast<std::uint32_t>(buffers[i].size() - kAeadTagSize)};
    }
    const auto texts = buffers;
    aead_->seal(jobs);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(buffers[i], sealed(jobs[i], std::span(texts[i]).first(jobs[i].length))) << i << " of " << count;
    }
    aead_->open(jobs);
    ASSERT_TRUE(std::ranges::all_of(jobs, [](const AeadJob& job) { return job.authentic; })) << count;
  }
}

// Equal keys at different places, and different ones at the same place, one after the other.
TEST_P(AeadLanes, AKeyIsItsBytes) {
  std::array<AeadKey, 40> keys;
  std::vector<std::vector<std::uint8_t>> buffers(keys.size(), std::vector<std::uint8_t>(100 + kAeadTagSize));
  for (std::uint8_t round = 0; round < 4; ++round) {
    std::vector<AeadJob> jobs;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i].bytes.fill(static_cast<std::uint8_t>(round < 2 ? round : i / 4));
      std::ranges::fill(buffers[i], 0);
      jobs.push_back({.key = &keys[i], .counter = i, .data = buffers[i].data(), .length = 100});
    }
    aead_->seal(jobs);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(buffers[i], sealed(jobs[i], std::vector<std::uint8_t>(100))) << "round " << int{round} << " job " << i;
    }
  }
}

// Neither the key, nor key stream, nor one-time keys, nor text stay in the object. Searched word by word, because the
// lanes take them apart; a word or two are found by chance now and then.
TEST_P(AeadLanes, NothingSecretStays) {
  if (aead_->name() == "portable") GTEST_SKIP() << "a promise of the lanes";
  for (const std::size_t count : {4, 5, 17, 33, 49, 64, 100}) {
    for (const std::size_t length : {0, 7, 64, 70, 500}) {
      std::vector<std::uint32_t> secrets;
      const auto remember = [&secrets](std::span<const std::uint8_t> bytes) {
        for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
          std::memcpy(&secrets.emplace_back(), bytes.data() + at, 4);
        }
      };
      remember(keys_[0].bytes);
      remember(keys_[1].bytes);
      std::vector<std::vector<std::uint8_t>> buffers(count);
      std::vector<AeadJob> jobs(count);
      for (std::size_t i = 0; i < count; ++i) {
        buffers[i] = random_.bytes(length + kAeadTagSize);
        jobs[i] = {.key = &keys_[i % 2],
                   .counter = random_.engine()(),
                   .data = buffers[i].data(),
                   .length = static_cast<std::uint32_t>(length)};
        const auto text = std::span(buffers[i]).first(length);
        remember(text);
        auto stream = sealed(jobs[i], text);
        for (std::size_t at = 0; at < length; ++at) stream[at] = static_cast<std::uint8_t>(stream[at] ^ text[at]);
        remember(std::span(stream).first(length));
        remember(one_time_key(jobs[i]));
      }
      aead_->seal(jobs);
      EXPECT_LT(words_found(secrets), 3U) << count << " sealed of " << length;
      aead_->open(jobs);
      EXPECT_LT(words_found(secrets), 3U) << count << " opened of " << length;
    }
  }
}

// memcheck takes key and text for uninitialised and complains where a branch or an address depends on them:
//     valgrind --error-exitcode=1 build/test/unit_tunnel --gtest_filter='*SecretsChooseNoWay*'
// valgrind does not know AVX-512 and hides it from cpu_runs(): what that implementation has of its own is straight-line
// code, its branches are those of the templates that the AVX2 one shares.
TEST_P(AeadLanes, SecretsChooseNoWay) {
  if (RUNNING_ON_VALGRIND == 0) GTEST_SKIP() << "NOT TESTED: needs valgrind";
  if (aead_->name() == "portable") GTEST_SKIP() << "compares a key with the last one; that they are equal is public";
  const auto errors = VALGRIND_COUNT_ERRORS;
  for (const std::size_t count : {1, 3, 20, 64}) {
    std::vector<std::vector<std::uint8_t>> buffers(count);
    std::vector<AeadJob> jobs(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t length = random_.one_in(2) ? 64 : random_.below(1500);
      buffers[i].resize(length + kAeadTagSize);
      VALGRIND_MAKE_MEM_UNDEFINED(buffers[i].data(), length);
      jobs[i] = {
          .key = &keys_[i % 3], .counter = i, .data = buffers[i].data(), .length = static_cast<std::uint32_t>(length)};
    }
    for (AeadKey& key : keys_) VALGRIND_MAKE_MEM_UNDEFINED(key.bytes.data(), key.bytes.size());
    aead_->seal(jobs);
    for (AeadKey& key : keys_) VALGRIND_MAKE_MEM_DEFINED(key.bytes.data(), key.bytes.size());
  }
  EXPECT_EQ(VALGRIND_COUNT_ERRORS, errors);
}

INSTANTIATE_TEST_SUITE_P(Each, AeadLanes,
                         testing::Values(AeadChoice::kAuto, AeadChoice::kPortable, AeadChoice::kAvx2,
                                         AeadChoice::kAvx512),
                         name_of);

#if defined(__x86_64__)

// Poly1305 alone, under one-time keys that ChaCha20 will never give us.
class LanesPoly1305 : public testing::TestWithParam<AeadChoice> {
 protected:
  void SetUp() override {
    if (!cpu_runs(GetParam())) GTEST_SKIP() << "NOT TESTED: this CPU does not run this implementation";
  }

  // The tag that OpenSSL computes of a text without associated data (RFC 8439 section 2.8).
  std::array<std::uint8_t, kAeadTagSize> reference(const OneTimeKey& key, std::vector<std::uint8_t> text) {
    const std::uint64_t length = text.size();
    text.resize((text.size() + 15) / 16 * 16 + 16);
    std::memcpy(text.data() + text.size() - 8, &length, sizeof(length));
    std::array<std::uint8_t, kAeadTagSize> tag{};
    std::size_t written = 0;
    const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(mac_.get()),
                                                                            EVP_MAC_CTX_free);
    EVP_MAC_init(context.get(), key.data(), key.size(), nullptr);
    EVP_MAC_update(context.get(), text.data(), text.size());
    EVP_MAC_final(context.get(), tag.data(), &written, tag.size());
    return tag;
  }

  void expect_right(std::vector<std::vector<std::uint8_t>> texts, const std::vector<OneTimeKey>& keys) {
    const AeadKey unused;
    std::vector<AeadJob> jobs;
    const auto originals = texts;
    for (auto& text : texts) {
      const auto length = static_cast<std::uint32_t>(text.size());
      text.resize(text.size() + kAeadTagSize);
      jobs.push_back({.key = &unused, .counter = 0, .data = text.data(), .length = length});
    }
    GetParam() == AeadChoice::kAvx2 ? mac_avx2(jobs, keys) : mac_avx512(jobs, keys);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      ASSERT_TRUE(std::ranges::equal(reference(keys[i], originals[i]), std::span(texts[i]).last(kAeadTagSize)))
          << i << " of " << jobs.size() << ", length " << originals[i].size();
    }
  }

  OneTimeKey random_key() {
    OneTimeKey key;
    std::ranges::copy(random_.bytes(key.size()), key.begin());
    return key;
  }
  // r = 1, and s random or all ones.
  OneTimeKey one() {
    OneTimeKey key{};
    if (random_.one_in(2)) key = random_key();
    if (random_.one_in(4)) key.fill(0xff);
    std::fill_n(key.begin(), 16, std::uint8_t{0});
    key[0] = 1;
    return key;
  }

  test::Random random_;
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac_{EVP_MAC_fetch(nullptr, "POLY1305", nullptr),
                                                               EVP_MAC_free};
};

__extension__ using Wide = unsigned __int128;

// With r = 1, h is the sum of all blocks, each with its high bit. Two blocks bring it, together with the length block,
// to p - 3 .. p + 6, so that the last reduction has to decide. Bursts of all sizes, so that every lane and group does.
TEST_P(LanesPoly1305, SumsAroundTheModulus) {
  for (std::size_t round = 0; round < 3000; ++round) {
    std::vector<std::vector<std::uint8_t>> texts;
    std::vector<OneTimeKey> keys;
    for (std::uint64_t i = 0, count = random_.between(1, 20); i < count; ++i) {
      const std::int64_t beyond = static_cast<std::int64_t>(random_.below(10)) - 3;
      // The three high bits are 3 * 2^128, p is 4 * 2^128 - 5, the length block is 32 * 2^64.
      const Wide second = random_.one_in(2) ? 0 : random_.engine()() >> random_.below(64);
      const Wide first = Wide{0} - (Wide{32} << 64) + static_cast<Wide>(beyond - 5) - second;
      std::vector<std::uint8_t> text(32);
      std::memcpy(text.data(), &first, 16);
      std::memcpy(text.data() + 16, &second, 16);
      texts.push_back(text);
      keys.push_back(one());
    }
    ASSERT_NO_FATAL_FAILURE(expect_right(texts, keys));
  }
}

// Blocks and keys of all ones, nearly all ones and small numbers, in the lengths that every path has.
TEST_P(LanesPoly1305, ExtremeLimbs) {
  for (std::size_t round = 0; round < 1500; ++round) {
    std::vector<std::vector<std::uint8_t>> texts;
    std::vector<OneTimeKey> keys;
    const std::uint64_t longest = random_.one_in(2) ? 12 : random_.one_in(2) ? 100 : 600;
    for (std::uint64_t i = 0, count = random_.between(1, 24); i < count; ++i) {
      std::vector<std::uint8_t> text(16 * random_.below(longest) + (random_.one_in(4) ? random_.below(16) : 0));
      const std::uint64_t kind = random_.below(3);
      for (std::size_t at = 0; at < text.size(); ++at) {
        const bool ones = kind == 0 || (kind == 1 && random_.one_in(2));
        text[at] = static_cast<std::uint8_t>(at % 16 == 0 && kind != 0 ? 0xfa + random_.below(6) : ones ? 0xff : 0);
      }
      texts.push_back(text);
      OneTimeKey key = random_key();
      if (random_.one_in(2)) key.fill(0xff);
      if (random_.one_in(4)) std::fill_n(key.begin(), 8, std::uint8_t{0});
      if (random_.one_in(4)) std::fill_n(key.begin() + 8, 8, std::uint8_t{0});
      keys.push_back(random_.one_in(8) ? one() : key);
    }
    ASSERT_NO_FATAL_FAILURE(expect_right(texts, keys));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, LanesPoly1305, testing::Values(AeadChoice::kAvx2, AeadChoice::kAvx512), name_of);

#endif

}  // namespace
}  // namespace isthmus::tunnel
