// Maps inside maps, both walks. Far's pod 10.244.2.7 is seen here as 10.71.0.1, near's pod 10.244.1.5 is shown as
// 10.98.0.1, which far sees as 10.73.0.1; all others are as in the house example, but for
// what is excepted: far's 10.244.3.0/24 and near's 10.244.4.0/24.

#include <gtest/gtest.h>

#include "test/support/walk_world.h"

namespace isthmus::test {
namespace {

using pipeline::Direction;

nat::PrefixMap map(const char* real, const char* seen_as) {
  return nat::make_prefix_map(prefix4(real), prefix4(seen_as));
}

class MapsTest : public testing::Test {
 protected:
  MapsTest() {
    config::ValidatedConfig near = WalkWorld::near_config();
    near.peers[0].remote_except = {{0, prefix4("10.244.3.0/24")}};
    near.peers[0].local_except = {{0, prefix4("10.244.4.0/24")}};
    near.peers[0].remote.push_back(map("10.244.2.7/32", "10.71.0.1/32"));
    near.peers[0].local.push_back(map("10.244.1.5/32", "10.98.0.1/32"));
    world_.near.apply(near);
    config::ValidatedConfig far = WalkWorld::far_setup().config;
    far.peers[0].remote.push_back(map("10.98.0.1/32", "10.73.0.1/32"));
    world_.far.apply(far);
  }

  static PacketBuilder udp(const char* source, const char* destination, std::uint8_t ttl = 64) {
    return PacketBuilder().ipv4(source, destination).ttl(ttl).udp(1000, 2000).payload("hello");
  }
  // From near's cluster to far's pod 10.244.2.7, which is the only one there.
  void expect_sent(const char* source, const char* destination, const char* source_there) {
    world_.from_cluster(udp(source, destination).ethernet(kClusterMac, kPodMac).bytes());
    expect_one(world_.carry_to_far(), udp(source_there, "10.244.2.7", 62));
  }
  // From far's gateway, with these addresses in the tunnel, to near's pod 10.244.1.5, which is the only one there.
  void expect_received(const char* source, const char* destination, const char* source_here) {
    from_far(source, destination);
    expect_one(WalkWorld::take(world_.near, world_.near.cluster), udp(source_here, "10.244.1.5", 63));
  }
  void expect_not_sent(const char* source, const char* destination, DropReason reason) {
    const std::uint64_t before = world_.near.drops(Direction::kOutbound, reason);
    world_.from_cluster(udp(source, destination).ethernet(kClusterMac, kPodMac).bytes());
    EXPECT_EQ(world_.near.drops(Direction::kOutbound, reason), before + 1) << source << " -> " << destination;
  }
  void expect_not_received(const char* source, const char* destination, DropReason reason) {
    const std::uint64_t before = world_.near.drops(Direction::kInbound, reason);
    from_far(source, destination);
    EXPECT_EQ(world_.near.drops(Direction::kInbound, reason), before + 1) << source << " -> " << destination;
  }

  WalkWorld world_;

 private:
  void from_far(const char* source, const char* destination) {
    world_.from_underlay(world_.sealed_by_far(udp(source, destination).bytes(), counter_++));
  }
  static void expect_one(const std::vector<Bytes>& frames, PacketBuilder expected) {
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(difference(expected.ethernet(kPodMac, kClusterMac).bytes(), BuiltPacket(frames[0]).packet()), "");
  }

  std::uint64_t counter_ = 0;
};

TEST_F(MapsTest, ASingleAddressLeavesAndArrivesByItsOwnMap) {
  expect_sent("10.244.1.5", "10.71.0.1", "10.73.0.1");
  expect_sent("10.244.1.6", "10.71.0.1", "10.72.1.6");
  expect_received("10.244.2.7", "10.98.0.1", "10.71.0.1");
  expect_received("10.244.2.8", "10.98.0.1", "10.71.2.8");
}

TEST_F(MapsTest, NobodyIsWhereTheWiderMapWouldHaveShownIt) {
  expect_not_sent("10.244.1.5", "10.71.2.7", DropReason::kNoRoute);
  expect_not_received("10.244.2.8", "10.99.1.5", DropReason::kDestinationNotOffered);
}

TEST_F(MapsTest, WhatIsExceptedNeitherSendsNorIsReached) {
  expect_not_sent("10.244.1.5", "10.71.3.7", DropReason::kNoRoute);
  expect_not_sent("10.244.4.5", "10.71.0.1", DropReason::kSourceNotLocal);
  expect_not_received("10.244.3.7", "10.98.0.1", DropReason::kSourceNotAllowed);
  expect_not_received("10.244.2.7", "10.99.4.5", DropReason::kDestinationNotOffered);
  expect_sent("10.244.5.0", "10.71.0.1", "10.72.5.0");
  expect_received("10.244.4.7", "10.98.0.1", "10.71.4.7");
}

TEST_F(MapsTest, WhoseViewItTakesIsNotSeen) {
  expect_not_received("10.244.0.1", "10.98.0.1", DropReason::kSourceNotAllowed);
}

}  // namespace
}  // namespace isthmus::test
