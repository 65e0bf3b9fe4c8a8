// Two tunnels on a bad network that loses and reorders, with sides that restart, move and change keys and with a wall
// clock that is set forwards and back. Whatever happened: once the network is good again they talk within the time that
// the retries take, lose nothing from then on, and have lost no index.
#include <gtest/gtest.h>

#include "test/support/random.h"
#include "test/unit/tunnel/two_sides.h"

namespace isthmus::tunnel {
namespace {

PeerSettings settings_for(const Side& other, std::uint8_t preshared) {
  PeerSettings settings = Side::settings_for(other);
  settings.preshared_key.bytes.fill(preshared);
  return settings;
}

class BadNetwork {
 public:
  explicit BadNetwork(test::Random& random) : random_(random) {
    sides_.network.lose = [this](const Datagram&) { return random_.below(100) < loss_; };
    sides_.network.detour = [this] { return Duration{detour_ == 0 ? 0 : random_.below(detour_)}; };
    sides_.a.add(settings_for(sides_.b, preshared_));
    sides_.b.add(settings_for(sides_.a, preshared_));
  }

  void step() {
    Side& side = random_.one_in(2) ? sides_.a : sides_.b;
    Side& other = &side == &sides_.a ? sides_.b : sides_.a;
    switch (random_.below(200)) {
      case 0:
        side.restart();
        side.add(settings_for(other, preshared_));
        break;
      case 1:
        ++preshared_;
        side.tunnel->update_peer(kPeer, settings_for(other, preshared_), sides_.network.now());
        other.tunnel->update_peer(kPeer, settings_for(side, preshared_), sides_.network.now());
        break;
      case 2:
        side.endpoint.port = static_cast<std::uint16_t>(random_.between(1, 60000));
        break;
      case 3:
        loss_ = random_.below(101);
        break;
      case 4:
        sides_.network.delay = Duration{random_.between(1, 3000) * 1'000'000};
        break;
      case 5:
        side.under_load = random_.one_in(2);
        break;
      case 6:
        sides_.network.advance(Duration{random_.between(1, 600) * 1'000'000'000});
        break;
      case 7:
        if (Session* session = side.link->sending.load()) session->reserve_nonces(kRekeyAfterMessages);
        break;
      case 8:
        sides_.network.wall_step = std::chrono::minutes(random_.below(100'000)) - 35 * 24h;
        break;
      case 9:
        detour_ = random_.one_in(2) ? 0 : random_.between(1, 500'000'000);
        break;
      default:
        side.send_data();
        break;
    }
    sides_.network.advance(Duration{random_.below(200'000'000)});
  }

  // 60 s: unanswered data is noticed after 15, and a try follows every 5. While the sides' keys differ, each of them
  // may answer two tries in vain before the right keys have their turn, and then both may have begun at one moment.
  void heal() {
    loss_ = 0;
    detour_ = 0;
    sides_.network.advance(10s);  // what is still under way with a long delay
    sides_.network.delay = 10ms;
    for (Side* side : {&sides_.a, &sides_.b}) {
      side->under_load = false;
      Side& other = side == &sides_.a ? sides_.b : sides_.a;
      side->tunnel->roam(kPeer, other.endpoint);
    }
    talk(60s);
  }

  void talk(Duration duration) {
    for (Duration past{0}; past < duration; past += 100ms) {
      sides_.a.send_data();
      sides_.b.send_data();
      sides_.network.advance(100ms);
    }
  }

  void expect_all_is_well() {
    Side& a = sides_.a;
    Side& b = sides_.b;
    for (Side* side : {&a, &b}) side->data_sent = side->data_received = side->data_refused = side->waiting = 0;
    talk(300s);
    sides_.network.advance(100ms);
    ASSERT_TRUE(a.ready());
    ASSERT_TRUE(b.ready());
    EXPECT_EQ(a.data_received, b.data_sent);
    EXPECT_EQ(b.data_received, a.data_sent);
    EXPECT_EQ(a.data_refused + b.data_refused, 0);
    // Silence for so long that everything is wiped: nothing may be left in the tables.
    loss_ = 100;
    sides_.network.advance(600s);
    EXPECT_EQ(free_indexes(*a.table), 64U);
    EXPECT_EQ(free_indexes(*b.table), 64U);
  }

 private:
  test::Random& random_;
  TwoSides sides_;
  std::uint64_t loss_ = 0;
  std::uint64_t detour_ = 0;  // packets overtake each other by so many nanoseconds
  std::uint8_t preshared_ = 0;
};

TEST(TwoSidesModel, BadNetworks) {
  test::Random random;
  for (int round = 0; round < 30; ++round) {
    SCOPED_TRACE(round);
    BadNetwork network(random);
    for (int step = 0; step < 1500; ++step) network.step();
    network.heal();
    network.expect_all_is_well();
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace isthmus::tunnel
