#include "dataplane/config/address_plan.h"

#include <gtest/gtest.h>

#include <iostream>
#include <random>
#include <vector>

namespace isthmus::config {
namespace {

Ipv4Prefix prefix(const char* text) { return std::get<Ipv4Prefix>(parse_ipv4_prefix(text)); }

TEST(AddressPlan, FindsWhatContainsAndWhatIsContained) {
  AddressPlan plan;
  plan.claim(prefix("10.1.0.0/16"), "a");
  EXPECT_EQ(plan.clash(prefix("10.1.2.0/24"))->owner, "a");
  EXPECT_EQ(plan.clash(prefix("10.0.0.0/8"))->owner, "a");
  EXPECT_EQ(plan.clash(prefix("10.1.0.0/16"))->owner, "a");
  EXPECT_FALSE(plan.clash(prefix("10.2.0.0/16")));
  EXPECT_FALSE(plan.clash(prefix("10.0.0.0/16")));
}

// Against a list that is searched from end to end.
TEST(AddressPlan, AgreesWithASlowList) {
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    AddressPlan plan;
    std::vector<Ipv4Prefix> list;
    for (int i = 0; i < 60; ++i) {
      // Few bits that differ, so that most prefixes meet some other.
      const auto length = static_cast<std::uint8_t>(20 + random() % 13);
      const Ipv4Prefix next = make_prefix({static_cast<std::uint32_t>(0x0a000000U | (random() & 0xfff))}, length);
      const auto clash = plan.clash(next);
      bool expected = false;
      for (const Ipv4Prefix other : list) expected |= other.overlaps(next);
      ASSERT_EQ(clash.has_value(), expected) << to_string(next);
      if (clash) {
        EXPECT_TRUE(clash->prefix.overlaps(next)) << to_string(next);
      }
      if (random() % 4 == 0) {
        plan.claim(next, "x");
        list.push_back(next);
      }
    }
  }
}

TEST(AddressPlan, OffersTheFirstFreePrefixAndNeverTwice) {
  AddressPlan plan;
  plan.avoid(prefix("10.0.0.0/9"));
  plan.avoid(prefix("10.129.0.0/16"));
  EXPECT_EQ(to_string(*plan.offer(16)), "10.128.0.0/16");
  EXPECT_EQ(to_string(*plan.offer(16)), "10.130.0.0/16");
  EXPECT_EQ(to_string(*plan.offer(10)), "10.192.0.0/10");
}

TEST(AddressPlan, GoesOnToTheNextRange) {
  AddressPlan plan;
  plan.avoid(prefix("10.0.0.0/8"));
  EXPECT_EQ(to_string(*plan.offer(12)), "172.16.0.0/12");
  EXPECT_EQ(to_string(*plan.offer(16)), "192.168.0.0/16");
  EXPECT_EQ(to_string(*plan.offer(10)), "100.64.0.0/10");
  EXPECT_FALSE(plan.offer(8));
  EXPECT_FALSE(plan.offer(24));
}

}  // namespace
}  // namespace isthmus::config
