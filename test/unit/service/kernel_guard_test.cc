#include "dataplane/service/kernel_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <random>

namespace isthmus::service {
namespace {

// What the kernel makes of the table needs root: test/netns/kernel_net_test.sh.

using ::testing::ElementsAre;

Ipv4Prefix prefix(const char* text) { return std::get<Ipv4Prefix>(parse_ipv4_prefix(text)); }
AddressRange range(const char* first, const char* last) { return {*parse_ipv4(first), *parse_ipv4(last)}; }

TEST(Merge, JoinsWhatOverlapsOrTouches) {
  const std::vector<Ipv4Prefix> prefixes{prefix("10.71.2.0/24"), prefix("10.71.0.0/16"), prefix("10.72.0.0/16"),
                                         prefix("10.74.0.0/16"), prefix("10.71.0.0/16")};
  EXPECT_THAT(merge(prefixes), ElementsAre(range("10.71.0.0", "10.72.255.255"), range("10.74.0.0", "10.74.255.255")));
}

TEST(Merge, ReachesBothEndsOfTheAddresses) {
  EXPECT_THAT(merge(std::vector{prefix("255.255.255.255/32"), prefix("0.0.0.0/32")}),
              ElementsAre(range("0.0.0.0", "0.0.0.0"), range("255.255.255.255", "255.255.255.255")));
  EXPECT_THAT(merge(std::vector{prefix("128.0.0.0/1"), prefix("0.0.0.0/0"), prefix("255.0.0.0/8")}),
              ElementsAre(range("0.0.0.0", "255.255.255.255")));
  EXPECT_THAT(merge({}), ElementsAre());
}

TEST(Merge, CoversTheSameAddressesAsThePrefixes) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<Ipv4Prefix> prefixes;
    for (int i = 0; i < 20; ++i) {
      prefixes.push_back(make_prefix({static_cast<std::uint32_t>(0x0a000000 + random() % 1024)},
                                     static_cast<std::uint8_t>(24 + random() % 9)));
    }
    const auto ranges = merge(prefixes);
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      ASSERT_GT(ranges[i].first.value, ranges[i - 1].last.value + 1) << "seed " << seed;
    }
    for (std::uint32_t address = 0x0a000000; address < 0x0a000500; ++address) {
      const bool wanted =
          std::any_of(prefixes.begin(), prefixes.end(), [&](auto one) { return one.contains({address}); });
      const bool covered = std::any_of(ranges.begin(), ranges.end(), [&](const AddressRange& one) {
        return one.first.value <= address && address <= one.last.value;
      });
      ASSERT_EQ(wanted, covered) << to_string(Ipv4Address{address}) << " seed " << seed;
    }
  }
}

TEST(GuardTableName, IsAWordThatNftTakes) {
  EXPECT_EQ(guard_table_name("east-1.example"), "isthmus_east-1.example");
  EXPECT_EQ(guard_table_name("a b;drop\"\n"), "isthmus_a_b_drop__");
  EXPECT_EQ(guard_table_name(std::string(1000, 'x')).size(), 255U);
}

}  // namespace
}  // namespace isthmus::service
