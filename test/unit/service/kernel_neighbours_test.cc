#include "dataplane/service/kernel_neighbours.h"

#include <gtest/gtest.h>

#include <vector>

namespace isthmus::service {
namespace {

constexpr MacAddress kMac{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress kOther{{2, 0, 0, 0, 0, 9}};
const IpAddress kPod = Ipv4Address{0x0a090001};

// The kernel as far as it matters here: it counts how often we pretended to send, and may refuse.
class KernelNeighboursTest : public ::testing::Test {
 protected:
  bool hear(NeighbourState state, const MacAddress& mac = kMac) { return neighbours.hear({1, kPod, state, mac}); }
  bool known() const { return neighbours.known().contains(kPod); }

  unsigned uses = 0;
  bool accepts = true;
  KernelNeighbours neighbours{[this](const IpAddress&) {
    ++uses;
    return accepts;
  }};
};

TEST_F(KernelNeighboursTest, SaysWhatChangesAndWhatDoesNot) {
  EXPECT_FALSE(hear(NeighbourState::kResolving));
  EXPECT_TRUE(hear(NeighbourState::kUsable));
  EXPECT_FALSE(hear(NeighbourState::kUsable));
  EXPECT_FALSE(hear(NeighbourState::kStale));
  EXPECT_TRUE(hear(NeighbourState::kUsable, kOther));
  EXPECT_EQ(neighbours.known().at(kPod), kOther);
  EXPECT_TRUE(hear(NeighbourState::kFailed));
  EXPECT_FALSE(hear(NeighbourState::kFailed));
  EXPECT_FALSE(known());
}

TEST_F(KernelNeighboursTest, VerifiesStaleOnesThatWeAskedFor) {
  hear(NeighbourState::kStale);
  EXPECT_EQ(uses, 0U);  // learned by the kernel for itself
  neighbours.solicit(kPod);
  EXPECT_EQ(uses, 1U);
  hear(NeighbourState::kStale);
  EXPECT_EQ(uses, 2U);
  EXPECT_TRUE(known());
}

TEST_F(KernelNeighboursTest, StopsVerifyingOnesThatFailed) {
  neighbours.solicit(kPod);
  hear(NeighbourState::kUsable);
  hear(NeighbourState::kFailed);
  EXPECT_FALSE(neighbours.asked_for(kPod));
  hear(NeighbourState::kStale);
  EXPECT_EQ(uses, 1U);
}

TEST_F(KernelNeighboursTest, DropsAForgottenOneThatNobodyAskedFor) {
  hear(NeighbourState::kUsable);
  EXPECT_TRUE(neighbours.forgotten(kPod));
  EXPECT_FALSE(known());
  EXPECT_EQ(uses, 0U);
}

TEST_F(KernelNeighboursTest, KeepsAForgottenOneWhileItIsResolvedAnew) {
  neighbours.solicit(kPod);
  hear(NeighbourState::kUsable);
  EXPECT_FALSE(neighbours.forgotten(kPod));
  EXPECT_EQ(uses, 2U);
  EXPECT_FALSE(hear(NeighbourState::kResolving));
  EXPECT_TRUE(known());
  EXPECT_FALSE(hear(NeighbourState::kUsable));
  EXPECT_TRUE(known());
  EXPECT_TRUE(hear(NeighbourState::kResolving));  // no longer a doubt of ours: the kernel's word counts again
  EXPECT_FALSE(known());
}

TEST_F(KernelNeighboursTest, DropsAForgottenOneThatDoesNotAnswer) {
  neighbours.solicit(kPod);
  hear(NeighbourState::kUsable);
  neighbours.forgotten(kPod);
  EXPECT_TRUE(hear(NeighbourState::kFailed));
  EXPECT_FALSE(known());
}

TEST_F(KernelNeighboursTest, DropsAForgottenOneWhenTheKernelRefusesOrForgetsAgain) {
  neighbours.solicit(kPod);
  hear(NeighbourState::kUsable);
  EXPECT_FALSE(neighbours.forgotten(kPod));
  EXPECT_TRUE(neighbours.forgotten(kPod));
  hear(NeighbourState::kUsable);
  accepts = false;
  EXPECT_TRUE(neighbours.forgotten(kPod));
}

TEST_F(KernelNeighboursTest, ADumpReplacesEverythingAndAsksAgain) {
  neighbours.solicit(kPod);
  hear(NeighbourState::kUsable);
  EXPECT_FALSE(neighbours.replace({{kPod, kMac}}));
  EXPECT_EQ(uses, 2U);
  EXPECT_TRUE(neighbours.replace({}));
  EXPECT_FALSE(known());
  EXPECT_TRUE(neighbours.asked_for(kPod));
  accepts = false;
  neighbours.replace({});
  EXPECT_FALSE(neighbours.asked_for(kPod));
}

TEST_F(KernelNeighboursTest, KeepsABoundedNumberFresh) {
  for (std::uint32_t i = 0; i < KernelNeighbours::kMaxAskedFor + 10; ++i)
    neighbours.solicit(Ipv4Address{0x0a000000 + i});
  EXPECT_EQ(uses, KernelNeighbours::kMaxAskedFor + 10);
  EXPECT_TRUE(neighbours.asked_for(Ipv4Address{0x0a000000 + KernelNeighbours::kMaxAskedFor - 1}));
  EXPECT_FALSE(neighbours.asked_for(Ipv4Address{0x0a000000 + KernelNeighbours::kMaxAskedFor}));
}

}  // namespace
}  // namespace isthmus::service
