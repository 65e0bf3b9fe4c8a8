// KeySlots beside its naive twin (slow_slots.h): handshakes of both sides in any order, confirmations that come twice,
// late or never, sessions that age or are used up. After each step the same session seals, the same are found in the
// table, and each of the others was retired exactly once.
#include "tunnel/key_slots.h"

#include <gtest/gtest.h>

#include "test/model/tunnel/slow_slots.h"
#include "test/support/random.h"
#include "test/unit/tunnel/two_sides.h"

namespace isthmus::tunnel {
namespace {

struct Seen {
  int swaps = 0;
  int four = 0;  // sessions at one time
  int silenced = 0;
  int turned = 0;
};

class Slots {
 public:
  Slots(test::Random& random, Seen& seen) : random_(random), seen_(seen) {}

  void step() {
    now_ += Duration{random_.below(random_.one_in(20) ? 100'000'000'000 : 3'000'000'000)};
    switch (random_.below(random_.one_in(10) ? 8 : 6)) {
      case 0:
        return agree_as_initiator();
      case 1:
        return agree_as_responder();
      case 2:
      case 3:
        return confirm();
      case 4:
      case 5:
        return age();
      case 6:
        return use_up();
      default:
        return clear();
    }
  }

  void expect_equal() {
    ASSERT_EQ(slots_.sending(), slow_.sending());
    ASSERT_EQ(host_.link->next.load(), slow_.waiting());
    ASSERT_EQ(slots_.newest(), slow_.newest());
    const auto receiving = slow_.receiving();
    std::multiset<const Session*> retired;
    for (const auto& session : host_.retired) retired.insert(session.get());
    for (const auto& [session, index] : agreed_) {
      const bool expected = receiving.contains(session);
      ASSERT_EQ(host_.table->find(index) == session, expected);
      ASSERT_EQ(retired.count(session), expected ? 0U : 1U);
    }
    ASSERT_LE(receiving.size(), 4U);
    seen_.four += receiving.size() == 4;
    ASSERT_EQ(free_indexes(*host_.table), 64 - receiving.size());
  }

 private:
  std::unique_ptr<Session> make(bool initiator) {
    const std::uint32_t index = host_.table->reserve_index(random_.word());
    EXPECT_NE(index, 0U);
    auto session = std::make_unique<Session>(kPeer, index, random_.word(), initiator, Session::Keys{}, now_);
    agreed_.emplace_back(session.get(), index);
    return session;
  }
  void agree_as_initiator() {
    auto session = make(true);
    slow_.agreed_as_initiator(session.get(), now_);
    slots_.add_as_initiator(std::move(session), now_);
  }
  void agree_as_responder() {
    auto session = make(false);
    slow_.agreed_as_responder(session.get());
    slots_.add_as_responder(std::move(session));
  }
  // Mostly of one of the last: a packet of an older one is not even found.
  void confirm() {
    if (agreed_.empty()) return;
    const std::size_t back = 1 + random_.below(std::min<std::size_t>(agreed_.size(), random_.one_in(8) ? 20 : 3));
    const auto& [session, index] = agreed_[agreed_.size() - back];
    if (host_.table->find(index) != session) return;
    const bool peer_wins = random_.one_in(2);
    const bool initiator = session->initiator;
    const bool waited = slots_.sending() != session && session != agreed_.back().first;
    const bool found = slots_.confirm(index, peer_wins);
    ASSERT_EQ(found, slow_.confirmed(session, peer_wins));
    seen_.turned += found;
    seen_.swaps += found && waited && !initiator;
  }
  void age() {
    const bool sent = slow_.sending() != nullptr;
    slow_.aged(now_);
    slots_.age(now_);
    seen_.silenced += sent && slow_.sending() == nullptr;
  }
  void use_up() {
    if (Session* session = slots_.sending()) session->reserve_nonces(kRejectAfterMessages);
  }
  void clear() {
    slow_.cleared();
    slots_.clear();
  }

  test::Random& random_;
  Seen& seen_;
  Instant now_{1000s};
  Network network_;
  Side host_{network_, kEndpointA, 0x11};
  std::vector<std::pair<const Session*, std::uint32_t>> agreed_;
  SlowSlots slow_;
  KeySlots slots_{host_, *host_.table, *host_.link};
};

TEST(KeySlotsModel, AnyOrder) {
  test::Random random;
  Seen seen;
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    Slots slots(random, seen);
    for (int step = 0; step < 150 && !testing::Test::HasFailure(); ++step) {
      slots.step();
      slots.expect_equal();
    }
    if (testing::Test::HasFailure()) return;
  }
  std::printf("%d turned, %d swaps, %d with four, %d silenced\n", seen.turned, seen.swaps, seen.four, seen.silenced);
  EXPECT_GT(seen.turned, 500);
  EXPECT_GT(seen.swaps, 20);
  EXPECT_GT(seen.four, 50);
  EXPECT_GT(seen.silenced, 50);
}

}  // namespace
}  // namespace isthmus::tunnel
