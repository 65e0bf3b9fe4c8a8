#include "dataplane/config/address_set.h"

#include <gtest/gtest.h>

#include <bitset>

#include "test/support/random.h"

namespace isthmus::config {
namespace {

Ipv4Prefix prefix(const char* text) { return std::get<Ipv4Prefix>(parse_ipv4_prefix(text)); }

std::string text(std::optional<Ipv4Address> address) { return address ? to_string(*address) : "none"; }

TEST(AddressSet, AnswersWithHosts) {
  const AddressSet set({prefix("10.1.0.0/16"), prefix("10.2.0.0/24"), prefix("10.4.0.0/32")});
  EXPECT_EQ(text(set.missing(prefix("10.1.0.0/16"))), "none");
  EXPECT_EQ(text(set.missing(prefix("10.2.0.0/16"))), "10.2.1.0");
  EXPECT_EQ(text(set.missing(prefix("10.0.0.0/8"))), "10.0.0.1");
  EXPECT_EQ(text(set.missing(prefix("10.4.0.0/16"))), "10.4.0.1");
  EXPECT_EQ(text(set.common(prefix("10.2.0.0/16"))), "10.2.0.1");
  EXPECT_EQ(text(set.common(prefix("10.0.0.0/8"))), "10.1.0.0");
  EXPECT_EQ(text(set.common(prefix("10.4.0.0/24"))), "10.4.0.0");
  EXPECT_EQ(text(set.common(prefix("10.3.0.0/16"))), "none");
}

TEST(AddressSet, StaysInsideThePrefix) {
  const AddressSet set({prefix("10.7.255.0/24"), prefix("10.8.0.0/32")});
  EXPECT_EQ(text(set.common(prefix("10.8.0.0/16"))), "10.8.0.0");
  EXPECT_EQ(text(set.missing(prefix("10.8.0.0/32"))), "none");
}

TEST(AddressSet, GoesUpToTheLastAddress) {
  const AddressSet set({prefix("255.255.255.254/31"), prefix("0.0.0.0/1")});
  EXPECT_EQ(text(set.missing(prefix("255.255.255.254/31"))), "none");
  EXPECT_EQ(text(set.missing(prefix("255.255.255.255/32"))), "none");
  EXPECT_EQ(text(set.missing(prefix("0.0.0.0/0"))), "128.0.0.0");
}

// Against one bit an address.
TEST(AddressSet, AgreesWithABitAnAddress) {
  test::Random random;
  const auto any = [&random] {
    return make_prefix({static_cast<std::uint32_t>(0x0a000000 + random.below(256))},
                       static_cast<std::uint8_t>(random.between(25, 32)));
  };
  for (int round = 0; round < 2000; ++round) {
    std::bitset<256> bits;
    std::vector<Ipv4Prefix> prefixes(random.below(8));
    for (Ipv4Prefix& next : prefixes) {
      next = any();
      for (std::uint32_t i = 0; i < 256; ++i) bits[i] = bits[i] || next.contains({0x0a000000 + i});
    }
    const AddressSet set(prefixes);
    const Ipv4Prefix asked = any();
    bool all = true;
    bool none = true;
    for (std::uint32_t i = 0; i < 256; ++i) {
      ASSERT_EQ(set.contains({0x0a000000 + i}), bits[i]);
      if (!asked.contains({0x0a000000 + i})) continue;
      all = all && bits[i];
      none = none && !bits[i];
    }
    const auto missing = set.missing(asked);
    const auto common = set.common(asked);
    ASSERT_EQ(missing.has_value(), !all) << to_string(asked);
    ASSERT_EQ(common.has_value(), !none) << to_string(asked);
    ASSERT_TRUE(!missing || (asked.contains(*missing) && !set.contains(*missing))) << to_string(asked);
    ASSERT_TRUE(!common || (asked.contains(*common) && set.contains(*common))) << to_string(asked);
  }
}

}  // namespace
}  // namespace isthmus::config
