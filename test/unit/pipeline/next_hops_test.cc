#include "dataplane/pipeline/next_hops.h"

#include <gtest/gtest.h>

#include "test/support/packet_builder.h"

namespace isthmus::pipeline {
namespace {

using test::ip4;
using test::mac;
using test::prefix4;

using Routes = std::vector<NextHops::RouteEntry>;
using Neighbours = std::vector<NextHops::NeighbourEntry>;

NextHops make(const Routes& routes, const Neighbours& neighbours) {
  return {mac("02:00:00:00:00:01"), ip4("192.0.2.1"), routes, neighbours};
}

TEST(NextHops, AnEmptySnapshotKnowsNothing) {
  EXPECT_EQ(NextHops().next_hop(ip4("10.0.0.1")), std::nullopt);
  EXPECT_EQ(NextHops().mac(ip4("10.0.0.1")), nullptr);
  const NextHops empty = make({}, {});
  EXPECT_EQ(empty.next_hop(ip4("10.0.0.1")), std::nullopt);
  EXPECT_EQ(empty.mac(ip4("10.0.0.1")), nullptr);
  EXPECT_EQ(empty.own(), ip4("192.0.2.1"));
  EXPECT_EQ(empty.own_mac(), mac("02:00:00:00:00:01"));
}

TEST(NextHops, OnLinkIsItsOwnNextHopAndTheRestHasAGateway) {
  const NextHops hops = make({{prefix4("0.0.0.0/0"), ip4("192.0.2.254")},
                              {prefix4("192.0.2.0/24"), std::nullopt},
                              {prefix4("10.0.0.0/8"), ip4("192.0.2.253")}},
                             {});
  EXPECT_EQ(hops.next_hop(ip4("192.0.2.7")), ip4("192.0.2.7"));
  EXPECT_EQ(hops.next_hop(ip4("10.1.2.3")), ip4("192.0.2.253"));
  EXPECT_EQ(hops.next_hop(ip4("8.8.8.8")), ip4("192.0.2.254"));
}

TEST(NextHops, OfEqualPrefixesTheFirstWins) {
  const NextHops hops =
      make({{prefix4("10.0.0.0/8"), ip4("192.0.2.2")}, {prefix4("10.0.0.0/8"), ip4("192.0.2.3")}}, {});
  EXPECT_EQ(hops.next_hop(ip4("10.1.2.3")), ip4("192.0.2.2"));
}

TEST(NextHops, EveryNeighbourIsFoundAndNobodyElse) {
  Neighbours neighbours;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    neighbours.push_back(
        {{0x0a000001 + i * 3}, {{2, 0, 0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}}});
  }
  const NextHops hops = make({}, neighbours);
  for (const auto& neighbour : neighbours) {
    ASSERT_NE(hops.mac(neighbour.address), nullptr);
    EXPECT_EQ(*hops.mac(neighbour.address), neighbour.mac);
    EXPECT_EQ(hops.mac({neighbour.address.value + 1}), nullptr);
  }
  EXPECT_EQ(hops.mac(ip4("0.0.0.0")), nullptr);
}

TEST(NextHops, OfEqualNeighboursTheLastWins) {
  const NextHops hops =
      make({}, {{ip4("10.0.0.1"), mac("02:00:00:00:00:aa")}, {ip4("10.0.0.1"), mac("02:00:00:00:00:bb")}});
  EXPECT_EQ(*hops.mac(ip4("10.0.0.1")), mac("02:00:00:00:00:bb"));
}

}  // namespace
}  // namespace isthmus::pipeline
