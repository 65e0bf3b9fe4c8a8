// Cycles a message of the AEAD alone: every implementation that this CPU runs, beside OpenSSL and, where it is
// installed, Intel's ipsec-mb with the same instructions. All take turns in one process on the same messages; TSC
// cycles, the median of the rounds and the median deviation from it.

#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "bench/statistics.h"
#include "tunnel/aead.h"

#ifdef ISTHMUS_HAS_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

namespace isthmus::bench {
namespace {

using tunnel::AeadChoice;
using tunnel::AeadJob;
using tunnel::AeadKey;

constexpr std::size_t kRounds = 101;
constexpr std::size_t kHotMessages = 64;
constexpr std::size_t kColdMessages = 2048;  // 4.7 MB: more than L2 holds
constexpr std::size_t kImix = 0;             // 7 : 4 : 1 of 64, 570 and 1420 bytes
constexpr std::size_t kMostKeys = 64;

struct Case {
  std::size_t bytes = 64;
  std::size_t burst = 64;
  std::size_t keys = 1;
  bool cold = false;
};

// One of those that take turns.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual void seal(std::span<AeadJob> jobs) = 0;
  virtual void open(std::span<AeadJob> jobs) = 0;
};

class Ours final : public Contender {
 public:
  explicit Ours(AeadChoice choice) : aead_(make_burst_aead(choice)) {}
  void seal(std::span<AeadJob> jobs) override { aead_->seal(jobs); }
  void open(std::span<AeadJob> jobs) override { aead_->open(jobs); }
  std::string name() const { return std::string(aead_->name()); }

 private:
  std::unique_ptr<tunnel::BurstAead> aead_;
};

#ifdef ISTHMUS_HAS_IPSEC_MB

// Its burst interface. What it has to be told about each message, and comparing the tags, is part of its cost, as the
// same is part of ours.
class IpsecMb final : public Contender {
 public:
  explicit IpsecMb(AeadChoice choice) : manager_(alloc_mb_mgr(0)) {
    if (choice == AeadChoice::kAvx2) {
      init_mb_mgr_avx2(manager_);
    } else {
      IMB_ARCH best;
      init_mb_mgr_auto(manager_, &best);
    }
  }
  ~IpsecMb() override { free_mb_mgr(manager_); }

  void seal(std::span<AeadJob> jobs) override { run(jobs, true); }
  void open(std::span<AeadJob> jobs) override {
    run(jobs, false);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      std::uint64_t computed[2], given[2];
      std::memcpy(computed, tag_[i], 16);
      std::memcpy(given, jobs[i].data + jobs[i].length, 16);
      jobs[i].authentic = ((computed[0] ^ given[0]) | (computed[1] ^ given[1])) == 0;
    }
  }

 private:
  void run(std::span<AeadJob> jobs, bool seals) {
    IMB_JOB* slots[kHotMessages];
    const auto count = static_cast<std::uint32_t>(jobs.size());
    if (IMB_GET_NEXT_BURST(manager_, count, slots) != count) std::abort();
    for (std::size_t i = 0; i < jobs.size(); ++i) describe(jobs[i], i, seals, *slots[i]);
    std::uint32_t done = IMB_SUBMIT_BURST_NOCHECK(manager_, count, slots);
    while (done < count) done += IMB_FLUSH_BURST(manager_, count - done, slots);
  }

  void describe(const AeadJob& job, std::size_t i, bool seals, IMB_JOB& slot) {
    std::memset(nonce_[i], 0, 4);
    std::memcpy(nonce_[i] + 4, &job.counter, 8);
    slot.cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    slot.hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    slot.cipher_direction = seals ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    slot.chain_order = seals ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    slot.enc_keys = slot.dec_keys = job.key->bytes.data();
    slot.key_len_in_bytes = 32;
    slot.src = slot.dst = job.data;
    slot.iv = nonce_[i];
    slot.iv_len_in_bytes = 12;
    slot.u.CHACHA20_POLY1305.aad = nullptr;
    slot.u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
    slot.cipher_start_src_offset_in_bytes = 0;
    slot.hash_start_src_offset_in_bytes = 0;
    slot.msg_len_to_cipher_in_bytes = job.length;
    slot.msg_len_to_hash_in_bytes = job.length;
    slot.auth_tag_output = seals ? job.data + job.length : tag_[i];
    slot.auth_tag_output_len_in_bytes = 16;
  }

  IMB_MGR* const manager_;
  std::uint8_t nonce_[kHotMessages][16] = {};
  std::uint8_t tag_[kHotMessages][16] = {};
};

#endif

struct Turns {
  std::string name;
  std::unique_ptr<Contender> contender;
  std::vector<double> seal;  // a value a round, cycles a message
  std::vector<double> open;
};

// The messages of a case, in buffers as a pool has them: behind the headers, aligned to nothing.
class Messages {
 public:
  explicit Messages(const Case& c) : jobs_(c.cold ? kColdMessages : kHotMessages) {
    const std::size_t stride = c.bytes > 2000 ? 9472 : 2304;
    constexpr std::size_t kHeaders = 186;
    memory_.resize(jobs_.size() * stride + 64, 7);
    std::vector<std::size_t> lengths(jobs_.size(), c.bytes);
    if (c.bytes == kImix) {
      for (std::size_t i = 0; i < lengths.size(); ++i) lengths[i] = i % 12 < 7 ? 64 : i % 12 < 11 ? 570 : 1420;
      std::shuffle(lengths.begin(), lengths.end(), std::mt19937{1});
    }
    for (std::size_t k = 0; k < kMostKeys; ++k) keys_[k].bytes.fill(static_cast<std::uint8_t>(k));
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      total_ += lengths[i];
      jobs_[i] = {.key = &keys_[i * 7 % c.keys],
                  .counter = 1000 + i,
                  .data = memory_.data() + i * stride + kHeaders,
                  .length = static_cast<std::uint32_t>(lengths[i])};
    }
  }

  std::span<AeadJob> jobs() { return jobs_; }
  double mean_length() const { return static_cast<double>(total_) / static_cast<double>(jobs_.size()); }

 private:
  std::vector<std::uint8_t> memory_;
  std::array<AeadKey, kMostKeys> keys_;
  std::vector<AeadJob> jobs_;
  std::size_t total_ = 0;
};

template <class Work>
double cycles_a_message(std::span<AeadJob> jobs, std::size_t burst, const Work& work) {
  unsigned int core = 0;
  const std::uint64_t begin = __rdtscp(&core);
  for (std::size_t i = 0; i < jobs.size(); i += burst) work(jobs.subspan(i, burst));
  return static_cast<double>(__rdtscp(&core) - begin) / static_cast<double>(jobs.size());
}

void measure(const Case& c, Messages& messages, std::vector<Turns>& all) {
  constexpr std::size_t kWarmUp = 3;
  for (std::size_t round = 0; round < kRounds + kWarmUp; ++round) {
    for (Turns& turns : all) {
      Contender& contender = *turns.contender;
      const auto jobs = messages.jobs();
      const double seal = cycles_a_message(jobs, c.burst, [&](std::span<AeadJob> burst) { contender.seal(burst); });
      const double open = cycles_a_message(jobs, c.burst, [&](std::span<AeadJob> burst) { contender.open(burst); });
      // A benchmark of messages that are not what they should be would be fast.
      if (!std::ranges::all_of(jobs, [](const AeadJob& job) { return job.authentic; })) {
        std::fprintf(stderr, "aead_bench: %s opened a message wrong\n", turns.name.c_str());
        std::exit(1);
      }
      if (round < kWarmUp) continue;
      turns.seal.push_back(seal);
      turns.open.push_back(open);
    }
  }
}

void print(const char* name, const Case& c, double bytes, const std::vector<Turns>& all,
           std::vector<double> Turns::*values) {
  boost::json::object reference;
  for (std::size_t i = 1; i < all.size(); ++i) reference[all[i].name] = median(all[i].*values);
  const boost::json::object line{{"name", name},
                                 {"bytes", bytes},
                                 {"mix", c.bytes == kImix ? "imix" : "equal"},
                                 {"burst", c.burst},
                                 {"keys", c.keys},
                                 {"memory", c.cold ? "cold" : "hot"},
                                 {"aead", all[0].name},
                                 {"cycles_per_packet", median(all[0].*values)},
                                 {"spread", spread(all[0].*values)},
                                 {"reference", reference}};
  std::puts(boost::json::serialize(line).c_str());
}

void run(AeadChoice choice, const Case& c) {
  std::vector<Turns> all;
  auto ours = std::make_unique<Ours>(choice);
  const std::string name = ours->name();
  all.push_back({name, std::move(ours), {}, {}});
#ifdef ISTHMUS_HAS_IPSEC_MB
  all.push_back({"ipsec-mb", std::make_unique<IpsecMb>(choice), {}, {}});
#endif
  all.push_back({"openssl", std::make_unique<Ours>(AeadChoice::kPortable), {}, {}});
  Messages messages(c);
  measure(c, messages, all);
  print("seal", c, messages.mean_length(), all, &Turns::seal);
  print("open", c, messages.mean_length(), all, &Turns::open);
}

constexpr Case kCases[] = {
    {.bytes = 64},
    {.bytes = 80},
    {.bytes = 128},
    {.bytes = 256},
    {.bytes = 512},
    {.bytes = 1024},
    {.bytes = 1424},
    {.bytes = 9000},
    {.bytes = kImix, .keys = 8},
    {.bytes = 64, .keys = 64},
    {.bytes = 1424, .keys = 64},
    {.bytes = 64, .burst = 16},
    {.bytes = 1424, .burst = 16},
    {.bytes = kImix, .burst = 16, .keys = 8},
    {.bytes = 64, .burst = 8},
    {.bytes = kImix, .burst = 8, .keys = 8},
    {.bytes = 64, .burst = 4},
    {.bytes = kImix, .burst = 4, .keys = 8},
    {.bytes = 64, .burst = 2},
    {.bytes = 512, .burst = 2},
    {.bytes = 1424, .burst = 2},
    {.bytes = kImix, .burst = 2, .keys = 8},
    {.bytes = 64, .burst = 1},
    {.bytes = 512, .burst = 1},
    {.bytes = 1424, .burst = 1},
    {.bytes = 9000, .burst = 1},
    {.bytes = 64, .cold = true},
    {.bytes = 1424, .cold = true},
    {.bytes = kImix, .keys = 8, .cold = true},
};

}  // namespace
}  // namespace isthmus::bench

int main() {
  using namespace isthmus;
  for (const tunnel::AeadChoice choice : {tunnel::AeadChoice::kAvx512, tunnel::AeadChoice::kAvx2}) {
    if (!cpu_runs(choice)) {
      std::fprintf(stderr, "aead_bench: this CPU does not run one of the implementations\n");
      continue;
    }
    for (const bench::Case& c : bench::kCases) bench::run(choice, c);
  }
}
