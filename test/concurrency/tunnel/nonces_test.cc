// No nonce is ever used twice under one key: several workers reserve ranges of one session, a rekey takes it away while
// they do, and the process dies at any moment, in the middle of a range, to begin again with the same static key. All
// that was ever sealed, by all lives of the process, is remembered as (key, nonce) and must be unique and below
// REJECT_AFTER_MESSAGES. Every other session begins shortly before that limit.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "test/support/random.h"
#include "tunnel/handshake.h"
#include "tunnel/session.h"

namespace isthmus::tunnel {
namespace {

constexpr std::size_t kWorkers = 4;
constexpr std::uint64_t kBurst = 256;  // no worker asks for more at once
constexpr std::uint64_t kShortlyBefore = 20'000;

// Nonces [first, first + count): of a range what was really used.
struct Sealed {
  const Session* session;
  std::uint64_t first;
  std::uint64_t count;
};

SecretKey random_key(test::Random& random) {
  SecretKey key;
  std::ranges::copy(random.bytes(kKeySize), key.bytes.begin());
  return key;
}

// What outlives the process: the static keys, and what an attacker has recorded.
class Handshakes {
 public:
  explicit Handshakes(test::Random& random) : random_(random) {
    create_initiation(peer_, to_us_, random_key(random_), {}, 1, initiation_).value();
  }

  Session::Keys agree() { return random_.one_in(2) ? as_initiator() : as_responder_to_a_replay(); }

 private:
  Session::Keys as_initiator() {
    MessageInitiation initiation{};
    MessageResponse response{};
    const auto handshake = create_initiation(own_, to_peer_, random_key(random_), {}, 1, initiation);
    auto theirs = identify_initiator(peer_, initiation);
    consume_initiation(*theirs, to_us_, initiation).value();
    create_response(*theirs, to_us_, random_key(random_), 2, response).value();
    return consume_response(*handshake, own_, to_peer_, response).value();
  }
  // A new process has forgotten which initiations it has heard: it answers, but with an ephemeral of its own.
  Session::Keys as_responder_to_a_replay() {
    MessageResponse response{};
    auto handshake = identify_initiator(own_, initiation_);
    consume_initiation(*handshake, to_peer_, initiation_).value();
    return create_response(*handshake, to_peer_, random_key(random_), 2, response).value();
  }

  test::Random& random_;
  const X25519Key own_{random_key(random_)};
  const X25519Key peer_{random_key(random_)};
  const RemoteIdentity to_peer_ = prepare_remote(own_, peer_.public_key(), {});
  const RemoteIdentity to_us_ = prepare_remote(peer_, own_.public_key(), {});
  MessageInitiation initiation_{};  // the peer's, of some day
};

// One life of the process.
class Process {
 public:
  Process(test::Random& random, Handshakes& handshakes) : random_(random), handshakes_(handshakes) { rekey(); }

  void live_and_die() {
    for (std::size_t i = 0; i < kWorkers; ++i) {
      workers_.emplace_back([this, i, seed = random_.engine()()] { work(i, seed); });
    }
    for (std::uint64_t rekeys = random_.below(5); rekeys > 0; --rekeys) {
      wait_for_some();
      rekey();
    }
    wait_for_some();
    killed_.store(true);
    for (std::thread& worker : workers_) worker.join();
  }

  const std::vector<std::unique_ptr<Session>>& sessions() const { return sessions_; }
  const std::vector<Sealed>& sealed(std::size_t worker) const { return sealed_[worker]; }

 private:
  void rekey() {
    sessions_.push_back(
        std::make_unique<Session>(LaneId{PeerIndex{0}}, 1U, 2U, true, handshakes_.agree(), Instant{1s}));
    if (sessions_.size() % 2 == 0) sessions_.back()->reserve_nonces(kRejectAfterMessages - kShortlyBefore);
    sending_.store(sessions_.back().get(), std::memory_order_release);
  }

  // Until the workers have sealed some more, however fast they are.
  void wait_for_some() {
    const std::uint64_t until = bursts_.load() + random_.below(400);
    while (bursts_.load() < until) std::this_thread::yield();
  }

  // Takes a session for a burst or several, as a worker does that has loaded link.sending just before a rekey.
  void work(std::size_t self, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!killed_.load(std::memory_order_relaxed)) {
      Session& session = *sending_.load(std::memory_order_acquire);
      for (std::uint64_t again = random() % 3; again < 3; ++again) {
        seal_a_burst(session, random, sealed_[self]);
        bursts_.fetch_add(1, std::memory_order_relaxed);
      }
      std::this_thread::yield();  // whoever rekeys and kills shall get his turn soon
    }
  }

  // dataplane/pipeline/seal.cc's rule. Dies in the middle of a range now and then: the rest is lost.
  void seal_a_burst(Session& session, std::mt19937_64& random, std::vector<Sealed>& sealed) const {
    const std::uint64_t count = 1 + random() % kBurst;
    const std::uint64_t first = session.reserve_nonces(count);
    if (first + count > kRejectAfterMessages) return;
    std::uint64_t used = 0;
    while (used < count && !killed_.load(std::memory_order_relaxed)) ++used;
    sealed.push_back({&session, first, used});
  }

  test::Random& random_;
  Handshakes& handshakes_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::atomic<Session*> sending_{nullptr};
  std::atomic<std::uint64_t> bursts_{0};
  std::atomic<bool> killed_{false};
  std::vector<Sealed> sealed_[kWorkers];
  std::vector<std::thread> workers_;
};

// Keys by their bytes: two sessions that were given the same key are one to it.
class Memory {
 public:
  void remember(const Process& process) {
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {
      for (const Sealed& sealed : process.sealed(worker)) {
        ranges_[sealed.session->keys.sending.bytes].emplace_back(sealed.first, sealed.count);
      }
    }
  }
  void expect_unique() {
    for (auto& [key, ranges] : ranges_) {
      std::ranges::sort(ranges);
      std::uint64_t free = 0;  // all below is used
      for (const auto& [first, count] : ranges) {
        if (count == 0) continue;
        ASSERT_GE(first, free) << "nonce " << first << " was used twice";
        free = first + count;
        total_ += count;
      }
      ASSERT_LE(free, kRejectAfterMessages);
      exhausted_ += free > kRejectAfterMessages - kBurst;
    }
  }
  std::size_t keys() const { return ranges_.size(); }
  std::size_t total() const { return total_; }
  std::size_t exhausted() const { return exhausted_; }

 private:
  std::map<std::array<std::uint8_t, kKeySize>, std::vector<std::pair<std::uint64_t, std::uint64_t>>> ranges_;
  std::size_t total_ = 0;
  std::size_t exhausted_ = 0;
};

TEST(Nonces, NeverRepeat) {
  test::Random random;
  Handshakes handshakes(random);
  Memory memory;
  std::size_t sessions = 0;
  for (int life = 0; life < 60; ++life) {
    Process process(random, handshakes);
    process.live_and_die();
    memory.remember(process);
    sessions += process.sessions().size();
  }
  memory.expect_unique();
  std::printf("%zu sealed under %zu keys of %zu sessions, %zu of them up to the limit\n", memory.total(), memory.keys(),
              sessions, memory.exhausted());
  EXPECT_GT(memory.total(), 10'000U);
  EXPECT_GT(memory.exhausted(), 0U);
}

// At the limit the counter stands still, however often and from how many threads it is asked: it cannot wrap.
TEST(Nonces, TheCounterDoesNotWrap) {
  Session session({PeerIndex{0}, 0}, 1, 2, true, {}, Instant{1s});
  session.reserve_nonces(kRejectAfterMessages - 10'000);
  std::atomic<std::uint64_t> below_limit{0};
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&] {
      for (int asked = 0; asked < 20'000; ++asked) {
        if (session.reserve_nonces(kBurst) < kRejectAfterMessages) below_limit.fetch_add(1);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_GE(session.nonces_used(), kRejectAfterMessages);
  EXPECT_LT(session.nonces_used(), kRejectAfterMessages + (kWorkers + 1) * kBurst);
  EXPECT_EQ(below_limit.load(), 10'000 / kBurst + 1);
}

}  // namespace
}  // namespace isthmus::tunnel
