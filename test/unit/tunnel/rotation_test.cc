// Keys that change under traffic: the old ones serve until the new ones have agreed on a session.
#include <gtest/gtest.h>

#include "test/unit/tunnel/two_sides.h"

namespace isthmus::tunnel {
namespace {

SecretKey filled(std::uint8_t byte) {
  SecretKey key;
  key.bytes.fill(byte);
  return key;
}

// What both sides have been told: a document each.
struct Keys {
  SecretKey a = filled(0x11);
  SecretKey b = filled(0x22);
  SecretKey preshared;
};

class RotationTest : public testing::Test, protected TwoSides {
 protected:
  RotationTest() { agree(); }

  // One side's document says this from now on.
  void apply(Side& side, const Keys& keys) {
    const bool is_a = &side == &a;
    side.tunnel->set_identity(is_a ? keys.a : keys.b);
    PeerSettings settings = Side::settings_for(is_a ? b : a);
    settings.public_key = public_key_of(is_a ? keys.b : keys.a);
    settings.preshared_key = keys.preshared;
    settings.initiate_at_once = true;
    side.tunnel->update_peer(kPeer, settings, network.now());
  }
  void talk(Duration duration, Duration pause = 10ms) {
    for (Duration past{0}; past < duration; past += pause) {
      a.send_data();
      b.send_data();
      network.advance(pause);
    }
  }
  void expect_no_loss() {
    network.advance(1s);
    EXPECT_EQ(a.data_received, b.data_sent);
    EXPECT_EQ(b.data_received, a.data_sent);
    EXPECT_EQ(a.data_refused + b.data_refused, 0);
    EXPECT_EQ(a.waiting + b.waiting, 0);
  }
  void expect_rotated() {
    EXPECT_FALSE(a.tunnel->view(kPeer).rotating);
    EXPECT_FALSE(b.tunnel->view(kPeer).rotating);
    EXPECT_EQ(a.link->sending.load()->remote_index, b.link->sending.load()->local_index);
  }
};

struct Change {
  const char* what;
  void (*make)(Keys&);
};
constexpr Change kChanges[] = {
    {"our key", [](Keys& keys) { keys.a = filled(0x33); }},
    {"the peer's key", [](Keys& keys) { keys.b = filled(0x44); }},
    {"both keys", [](Keys& keys) { keys.a = filled(0x33), keys.b = filled(0x44); }},
    {"the pre-shared key", [](Keys& keys) { keys.preshared = filled(0x55); }},
    {"all three", [](Keys& keys) { keys.a = filled(0x33), keys.b = filled(0x44), keys.preshared = filled(0x55); }},
};

class EveryChange : public RotationTest, public testing::WithParamInterface<Change> {
 protected:
  Keys changed() const {
    Keys keys;
    GetParam().make(keys);
    return keys;
  }
};
INSTANTIATE_TEST_SUITE_P(Rotation, EveryChange, testing::ValuesIn(kChanges), [](const auto& of) {
  std::string name = of.param.what;
  std::erase_if(name, [](char c) { return std::isalpha(static_cast<unsigned char>(c)) == 0; });
  return name;
});

TEST_P(EveryChange, LosesNothingWhoeverIsFirst) {
  apply(a, changed());
  talk(3s);
  EXPECT_TRUE(a.tunnel->view(kPeer).rotating) << "the other side cannot know the new keys yet";
  apply(b, changed());
  talk(12s);
  expect_rotated();
  talk(130s, 50ms);
  expect_no_loss();
}

TEST_P(EveryChange, LosesNothingAtTheSameMoment) {
  apply(a, changed());
  apply(b, changed());
  talk(12s);
  expect_rotated();
  expect_no_loss();
}

// The second side's administrator comes an hour later: until then the old keys renew their sessions.
TEST_P(EveryChange, OldKeysServeForAsLongAsItTakes) {
  apply(b, changed());
  talk(3600s, 500ms);
  EXPECT_TRUE(b.tunnel->view(kPeer).rotating);
  EXPECT_TRUE(b.failures.empty()) << "nothing waits for the new keys";
  apply(a, changed());
  talk(12s);
  expect_rotated();
  talk(300s, 50ms);
  expect_no_loss();
}

TEST_P(EveryChange, CanBeTakenBack) {
  apply(a, changed());
  talk(7s);
  apply(a, Keys{});
  EXPECT_FALSE(a.tunnel->view(kPeer).rotating);
  talk(130s, 50ms);
  expect_no_loss();
  EXPECT_EQ(free_indexes(*a.table), 62U) << "current and previous";
}

// Whoever has only the old keys is nobody from the first session of the new ones on.
TEST_P(EveryChange, OldKeysAreNothingAfterwards) {
  Keys keys = changed();
  apply(a, keys);
  apply(b, keys);
  talk(12s);
  expect_rotated();
  b.restart();
  b.add(Side::settings_for(a));  // the old keys
  const std::uint64_t agreed = a.count(HandshakeEvent::kCompleted);
  b.tunnel->want_session(kPeer, network.now());
  network.advance(20s);
  EXPECT_EQ(a.count(HandshakeEvent::kCompleted), agreed);
  EXPECT_FALSE(b.ready());
}

TEST_P(EveryChange, OldSessionsReceiveWhatIsOnItsWayAndThenGo) {
  apply(a, changed());
  apply(b, changed());
  Session* old = b.link->sending.load();
  network.delay = 300ms;
  talk(12s);
  expect_rotated();
  EXPECT_NE(b.link->sending.load(), old);
  expect_no_loss();
  network.advance(kRejectAfterTime + 1s);
  EXPECT_EQ(a.table->find(old->remote_index), nullptr);
}

TEST_F(RotationTest, ASecondChangeReplacesTheFirstThatNeverWorked) {
  Keys keys;
  keys.a = filled(0x33);
  apply(a, keys);
  talk(6s);
  keys.a = filled(0x34);
  apply(a, keys);
  talk(6s);
  apply(b, keys);
  talk(12s);
  expect_rotated();
  expect_no_loss();
}

TEST_F(RotationTest, KeysThatNeverWorkedAreNotKept) {
  TwoSides strangers;
  strangers.connect();
  PeerSettings settings = Side::settings_for(strangers.b);
  settings.preshared_key = filled(9);
  strangers.a.tunnel->update_peer(kPeer, settings, strangers.network.now());
  EXPECT_FALSE(strangers.a.tunnel->view(kPeer).rotating);
}

// A peer that says nothing for long has no session; its keys worked, so they may work again.
TEST_F(RotationTest, OldKeysMayBeginASessionToo) {
  network.advance(700s);
  EXPECT_FALSE(a.ready());
  Keys keys;
  keys.b = filled(0x44);
  apply(a, keys);
  b.send_data();
  network.advance(6s);
  EXPECT_EQ(a.data_received, 1);
  EXPECT_TRUE(a.tunnel->view(kPeer).rotating);
}

// Two peers exchange their keys: each key belongs at once to who is to have it.
TEST_F(RotationTest, AKeyThatMovesToAnotherPeerIsThatPeers) {
  PeerLink second;
  Side c(network, {Ipv4Address{0x0a000003}, 3000}, 0x33);
  c.add(Side::settings_for(b));
  b.tunnel->add_peer(LaneId{PeerIndex{1}}, Side::settings_for(c), second, network.now());
  b.tunnel->update_peer(kPeer, Side::settings_for(c), network.now());
  b.tunnel->update_peer(LaneId{PeerIndex{1}}, Side::settings_for(a), network.now());
  const std::uint64_t before = b.tunnel->view(LaneId{PeerIndex{1}}).handshake_bytes_received;
  a.restart();
  a.add(Side::settings_for(b));
  network.advance(kRekeyTimeout);
  a.tunnel->want_session(kPeer, network.now());
  network.advance(100ms);
  EXPECT_EQ(b.tunnel->view(LaneId{PeerIndex{1}}).handshake_bytes_received, before + sizeof(MessageInitiation));
}

}  // namespace
}  // namespace isthmus::tunnel
