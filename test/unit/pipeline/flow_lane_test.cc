#include "dataplane/pipeline/flow_lane.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "dataplane/packet/parse.h"
#include "test/support/packet_builder.h"

namespace isthmus::pipeline {
namespace {

using test::BuiltPacket;
using test::PacketBuilder;

std::uint32_t hash_of(const PacketBuilder& builder) {
  BuiltPacket built(builder.bytes());
  EXPECT_TRUE(parse_ipv4(built.packet()));
  return flow_hash(built.packet());
}
PacketBuilder udp(std::uint16_t source_port, const char* destination = "10.71.2.7") {
  return PacketBuilder().ipv4("10.244.1.5", destination).udp(source_port, 80).payload_size(40);
}

TEST(FlowHash, IsTheFlows) {
  EXPECT_EQ(hash_of(udp(1)), hash_of(udp(1).payload_size(200)));
  EXPECT_NE(hash_of(udp(1)), hash_of(udp(2)));
  EXPECT_NE(hash_of(udp(1)), hash_of(udp(1, "10.71.2.8")));
  EXPECT_NE(hash_of(udp(1)), hash_of(PacketBuilder().ipv4("10.71.2.7", "10.244.1.5").udp(1, 80).payload_size(40)));
  EXPECT_NE(hash_of(udp(1)), hash_of(PacketBuilder().ipv4("10.244.1.5", "10.71.2.7").tcp(1, 80)));
}

TEST(FlowHash, FillsTheLanesEvenly) {
  for (const std::uint32_t lanes : {2U, 3U, 4U, 64U}) {
    std::map<std::uint32_t, int> flows;
    for (std::uint16_t port = 1; port <= 6400; ++port) ++flows[lane_of_flow(hash_of(udp(port)), lanes, ~0ULL)];
    EXPECT_EQ(flows.size(), lanes);
    for (const auto& [lane, count] : flows) {
      EXPECT_NEAR(count, 6400.0 / lanes, 6 * std::sqrt(6400.0 / lanes)) << lane << " of " << lanes;
    }
  }
}

TEST(LaneOfFlow, OnlyFlowsOfALaneThatFailsMove) {
  constexpr std::uint32_t kLanes = 5;
  const std::uint64_t all = 0b11111;
  const std::uint64_t without_2 = all & ~0b100ULL;
  std::set<std::uint32_t> refuges;
  for (std::uint32_t hash = 0; hash < 10000; ++hash) {
    const std::uint32_t before = lane_of_flow(hash, kLanes, all);
    const std::uint32_t after = lane_of_flow(hash, kLanes, without_2);
    EXPECT_NE(after, 2U);
    if (before == 2) {
      refuges.insert(after);
    } else {
      EXPECT_EQ(after, before);
    }
  }
  EXPECT_EQ(refuges, (std::set<std::uint32_t>{0, 1, 3, 4}));
}

TEST(LaneOfFlow, IgnoresLanesThatAreNotThere) {
  for (std::uint32_t hash = 0; hash < 100; ++hash) {
    EXPECT_LT(lane_of_flow(hash, 3, ~0b111ULL), 3U);
    EXPECT_LT(lane_of_flow(hash, kMaxLanes, 0), kMaxLanes);
    EXPECT_EQ(lane_of_flow(hash, kMaxLanes, 1ULL << 63), 63U);
    EXPECT_EQ(lane_of_flow(hash, 3, 0), hash % 3) << "none is usable: it waits for its own";
  }
}

}  // namespace
}  // namespace isthmus::pipeline
