#include "dataplane/service/kernel_state.h"

#include <gtest/gtest.h>

#include "dataplane/service/ip_match.h"

namespace isthmus::service {
namespace {

constexpr MacAddress kOwn{{2, 0, 0, 0, 0, 2}};
constexpr MacAddress kGateway{{2, 0, 0, 0, 0, 1}};

IpAddress ip(const char* text) { return *parse_ip(text); }

KernelRoute route(const char* network, std::uint8_t length, const char* gateway = nullptr, std::uint32_t metric = 0) {
  KernelRoute result{ip(network), length, metric, std::nullopt, std::nullopt};
  if (gateway != nullptr) result.gateway = ip(gateway);
  return result;
}

KernelAddress own(const char* text, bool preferred = true) {
  return {1, *parse_interface_address(text), true, preferred};
}

KernelState up(std::vector<KernelAddress> addresses, std::vector<KernelRoute> routes) {
  KernelState state{KernelLink{1, "eth0", kOwn, true, true}, std::move(addresses), std::move(routes)};
  state.sort_routes();
  return state;
}

TEST(CommonBits, CountsWithinAFamilyOnly) {
  EXPECT_EQ(common_bits(ip("10.0.0.0"), ip("10.0.0.0")), 32U);
  EXPECT_EQ(common_bits(ip("10.0.0.0"), ip("10.0.0.1")), 31U);
  EXPECT_EQ(common_bits(ip("10.0.0.0"), ip("138.0.0.0")), 0U);
  EXPECT_EQ(common_bits(ip("2001:db8::"), ip("2001:db8::")), 128U);
  EXPECT_EQ(common_bits(ip("2001:db8::"), ip("2001:db9::")), 31U);
  EXPECT_EQ(common_bits(ip("2001:db8::"), ip("2001:db8:8000::")), 32U);
  EXPECT_FALSE(common_bits(ip("0.0.0.0"), ip("::")));
  EXPECT_FALSE(within(ip("::"), ip("0.0.0.0"), 0));
  EXPECT_TRUE(within(ip("10.1.2.3"), ip("0.0.0.0"), 0));
}

TEST(KernelState, TakesTheLongestPrefixThenTheLowestMetric) {
  const auto state =
      up({own("10.9.0.2/24")}, {route("0.0.0.0", 0, "10.9.0.1", 100), route("0.0.0.0", 0, "10.9.0.7", 50),
                                route("10.9.0.0", 24), route("192.0.2.0", 24, "10.9.0.3")});
  EXPECT_EQ(state.hop_to(ip("203.0.113.1"))->next_hop, ip("10.9.0.7"));
  EXPECT_EQ(state.hop_to(ip("192.0.2.9"))->next_hop, ip("10.9.0.3"));
  EXPECT_EQ(state.hop_to(ip("10.9.0.200"))->next_hop, ip("10.9.0.200"));
  EXPECT_FALSE(state.hop_to(ip("2001:db8::1")));
}

TEST(KernelState, ChoosesASourceInTheNextHopsNetwork) {
  const auto state = up({own("172.16.0.2/16"), own("10.9.0.2/24"), own("10.9.0.9/24", false)},
                        {route("0.0.0.0", 0, "10.9.0.1"), route("198.51.100.0", 24)});
  EXPECT_EQ(state.hop_to(ip("203.0.113.1"))->source, ip("10.9.0.2"));
  EXPECT_EQ(state.hop_to(ip("198.51.100.1"))->source, ip("172.16.0.2"));
}

TEST(KernelState, ObeysARoutesPreferredSource) {
  auto preferring = route("192.0.2.0", 24, "10.9.0.1");
  preferring.preferred_source = ip("10.9.0.77");
  EXPECT_EQ(up({own("10.9.0.2/24")}, {preferring}).hop_to(ip("192.0.2.1"))->source, ip("10.9.0.77"));
}

TEST(KernelState, ChoosesAnIpv6SourceByScopeThenPrefix) {
  const auto state = up({own("fe80::2/64"), own("2001:db8:1::2/64", false), own("2001:db8:1::3/64"), own("fd00::2/64")},
                        {route("::", 0, "fe80::1"), route("fe80::", 64)});
  EXPECT_EQ(state.hop_to(ip("2001:db8:7::1"))->source, ip("2001:db8:1::3"));
  EXPECT_EQ(state.hop_to(ip("fd00:1::1"))->source, ip("fd00::2"));
  EXPECT_EQ(state.hop_to(ip("fe80::9"))->source, ip("fe80::2"));
}

TEST(KernelState, HasNoPathWithoutSourceNeighbourOrLink) {
  const KnownNeighbours neighbours{{ip("10.9.0.1"), kGateway}};
  auto state = up({own("10.9.0.2/24")}, {route("0.0.0.0", 0, "10.9.0.1")});
  const auto hop = state.hop_to(ip("192.0.2.1"));
  ASSERT_TRUE(hop);
  EXPECT_EQ(state.path_over(*hop, neighbours), (NextHopSource::Path{ip("10.9.0.2"), kOwn, kGateway}));
  EXPECT_FALSE(state.path_over(*hop, {}));
  state.link->up = false;
  EXPECT_FALSE(state.path_over(*hop, neighbours));
  EXPECT_FALSE(state.hop_to(ip("192.0.2.1")));
  state.link->up = true;
  state.addresses.clear();
  EXPECT_FALSE(state.hop_to(ip("192.0.2.1")));
}

TEST(KernelState, SnapshotHoldsIpv4Only) {
  auto state = up({own("fe80::2/64"), own("10.9.0.9/24", false), own("10.9.0.2/24")},
                  {route("0.0.0.0", 0, "10.9.0.1", 100), route("0.0.0.0", 0, "10.9.0.7", 50), route("10.9.0.0", 24),
                   route("::", 0, "fe80::1")});
  const KnownNeighbours neighbours{{ip("10.9.0.1"), kGateway}, {ip("fe80::1"), kGateway}};
  const auto snapshot = state.snapshot(neighbours);
  EXPECT_EQ(snapshot->own(), Ipv4Address{0x0a090002});
  EXPECT_EQ(snapshot->own_mac(), kOwn);
  EXPECT_EQ(snapshot->next_hop({0xc0000201}), Ipv4Address{0x0a090007});
  EXPECT_EQ(snapshot->next_hop({0x0a090001}), Ipv4Address{0x0a090001});
  ASSERT_NE(snapshot->mac({0x0a090001}), nullptr);
  EXPECT_EQ(*snapshot->mac({0x0a090001}), kGateway);
  EXPECT_EQ(snapshot->mac({0x0a090007}), nullptr);
  state.link->up = false;
  EXPECT_FALSE(state.snapshot(neighbours)->next_hop({0xc0000201}));
}

}  // namespace
}  // namespace isthmus::service
