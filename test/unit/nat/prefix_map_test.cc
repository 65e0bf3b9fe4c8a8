#include "nat/prefix_map.h"

#include <gtest/gtest.h>

#include "test/support/packet_builder.h"

namespace isthmus::nat {
namespace {

using test::ip4;
using test::prefix4;

TEST(PrefixMap, HostBitsAreKept) {
  const PrefixMap map = make_prefix_map(prefix4("10.244.0.0/16"), prefix4("10.71.0.0/16"));
  EXPECT_EQ(map.translate(ip4("10.244.2.7"), Translation::kRealToSeenAs), ip4("10.71.2.7"));
  EXPECT_EQ(map.translate(ip4("10.71.2.7"), Translation::kSeenAsToReal), ip4("10.244.2.7"));
}

TEST(PrefixMap, AnyLength) {
  const PrefixMap single = make_prefix_map(prefix4("10.0.0.1/32"), prefix4("192.0.2.9/32"));
  EXPECT_EQ(single.translate(ip4("10.0.0.1"), Translation::kRealToSeenAs), ip4("192.0.2.9"));
  const PrefixMap crooked = make_prefix_map(prefix4("10.128.0.0/11"), prefix4("172.32.0.0/11"));
  EXPECT_EQ(crooked.translate(ip4("10.159.255.255"), Translation::kRealToSeenAs), ip4("172.63.255.255"));
  const PrefixMap all = make_prefix_map(prefix4("0.0.0.0/0"), prefix4("0.0.0.0/0"));
  EXPECT_EQ(all.translate(ip4("8.8.8.8"), Translation::kSeenAsToReal), ip4("8.8.8.8"));
}

TEST(PrefixMap, DeltasUndoEachOther) {
  const PrefixMap map = make_prefix_map(prefix4("10.244.0.0/16"), prefix4("10.71.0.0/16"));
  EXPECT_NE(map.delta(Translation::kRealToSeenAs), map.delta(Translation::kSeenAsToReal));
  EXPECT_EQ(fold(std::uint32_t{map.delta_to_seen_as} + map.delta_to_real), 0xffff) << "one's complement zero";
}

TEST(PrefixMap, DeltaIsWhatTheAddressesDoToASum) {
  const PrefixMap map = make_prefix_map(prefix4("10.244.0.0/15"), prefix4("192.168.0.0/15"));
  for (const char* text : {"10.244.0.0", "10.245.255.255", "10.244.1.2"}) {
    const Ipv4Address real = ip4(text);
    const Ipv4Address seen_as = map.translate(real, Translation::kRealToSeenAs);
    EXPECT_EQ(fold(sum_address(real) + std::uint32_t{map.delta_to_seen_as}), fold(sum_address(seen_as))) << text;
    EXPECT_EQ(fold(sum_address(seen_as) + std::uint32_t{map.delta_to_real}), fold(sum_address(real))) << text;
  }
}

}  // namespace
}  // namespace isthmus::nat
