#include "dataplane/config/compile.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/config/validate.h"
#include "test/unit/config/sample.h"

namespace isthmus::config {
namespace {

constexpr PeerIndex kIndexes[] = {PeerIndex{4}, PeerIndex{1}};  // not the document's order, with holes

pipeline::ForwardingTables tables_of(const DesiredState& state) {
  const auto result = validate(state);
  return compile(std::get<ValidatedConfig>(result), kIndexes);
}

std::uint32_t find(const route::PrefixTable& table, const char* address) { return table.lookup(*parse_ipv4(address)); }

// What a cluster's destination becomes: "peer>real address", or "" when nobody has it.
std::string outbound(const pipeline::ForwardingTables& tables, const char* destination) {
  const std::uint32_t found = find(tables.route_by_seen_as, destination);
  if (found == route::PrefixTable::kMissing) return {};
  const pipeline::Route route = tables.routes.at(found);
  const nat::PrefixMap& map = tables.peers.at(static_cast<std::size_t>(route.peer)).maps[route.map];
  return std::to_string(static_cast<std::uint32_t>(route.peer)) + ">" +
         to_string(map.translate(*parse_ipv4(destination), nat::Translation::kSeenAsToReal));
}

std::string translated(const pipeline::PeerTables& peer, const route::PrefixTable& table, const char* address,
                       nat::Translation translation) {
  const std::uint32_t found = find(table, address);
  if (found == route::PrefixTable::kMissing) return {};
  return to_string(peer.maps[found].translate(*parse_ipv4(address), translation));
}

TEST(Compile, RoutesLeadToThePeersRealAddresses) {
  const pipeline::ForwardingTables tables = tables_of(sample());
  EXPECT_EQ(outbound(tables, "10.71.2.7"), "4>10.244.2.7");
  EXPECT_EQ(outbound(tables, "10.72.2.7"), "1>10.0.2.7");
  EXPECT_EQ(outbound(tables, "10.73.5.9"), "1>10.5.0.9");
  EXPECT_EQ(outbound(tables, "10.73.6.9"), "");
  EXPECT_EQ(outbound(tables, "10.244.0.1"), "");
}

TEST(Compile, EachPeerHasItsOwnAddresses) {
  const pipeline::ForwardingTables tables = tables_of(sample());
  const pipeline::PeerTables& netlab = tables.peers.at(4);
  const pipeline::PeerTables& topix = tables.peers.at(1);
  using enum nat::Translation;
  EXPECT_EQ(translated(netlab, *netlab.remote_by_real, "10.244.2.7", kRealToSeenAs), "10.71.2.7");
  EXPECT_EQ(translated(netlab, *netlab.remote_by_real, "10.0.2.7", kRealToSeenAs), "");
  EXPECT_EQ(translated(topix, *topix.remote_by_real, "10.0.2.7", kRealToSeenAs), "10.72.2.7");
  EXPECT_EQ(translated(netlab, *netlab.local_by_real, "10.244.1.5", kRealToSeenAs), "10.244.1.5");
  EXPECT_EQ(translated(topix, *topix.local_by_real, "10.244.1.5", kRealToSeenAs), "10.91.1.5");
  EXPECT_EQ(translated(topix, *topix.local_by_seen_as, "10.91.1.5", kSeenAsToReal), "10.244.1.5");
  EXPECT_EQ(translated(topix, *topix.local_by_seen_as, "10.244.1.5", kSeenAsToReal), "");
  EXPECT_EQ(netlab.mtu, 1420);
  EXPECT_EQ(topix.mtu, 1300);
}

TEST(Compile, OnlyGivenPlacesAreConfigured) {
  const pipeline::ForwardingTables tables = tables_of(sample());
  ASSERT_EQ(tables.peers.size(), 5U);
  for (std::size_t i = 0; i < tables.peers.size(); ++i) EXPECT_EQ(tables.peers[i].configured, i == 4 || i == 1) << i;
  EXPECT_EQ(find(*tables.peers[0].remote_by_real, "10.244.2.7"), route::PrefixTable::kMissing);
}

TEST(Compile, NoPeersMakeEmptyTables) {
  DesiredState state = sample();
  state.peers.clear();
  const auto result = validate(state);
  const pipeline::ForwardingTables tables = compile(std::get<ValidatedConfig>(result), {});
  EXPECT_TRUE(tables.peers.empty());
  EXPECT_EQ(find(tables.route_by_seen_as, "10.71.2.7"), route::PrefixTable::kMissing);
}

TEST(Compile, EqualDocumentsMakeEqualTables) {
  const pipeline::ForwardingTables a = tables_of(sample());
  const pipeline::ForwardingTables b = tables_of(sample());
  EXPECT_EQ(a.routes, b.routes);
  ASSERT_EQ(a.peers.size(), b.peers.size());
  for (std::size_t i = 0; i < a.peers.size(); ++i) EXPECT_TRUE(std::ranges::equal(a.peers[i].maps, b.peers[i].maps));
  for (const char* address : {"10.71.0.0", "10.71.255.255", "10.72.0.1", "10.73.5.255", "10.70.255.255"}) {
    EXPECT_EQ(find(a.route_by_seen_as, address), find(b.route_by_seen_as, address)) << address;
  }
}

TEST(Compile, AMappedPodCannotBeReachedByItsRealAddress) {
  DesiredState state = sample();
  state.peers[1].local = {{"10.244.64.0/18", "10.91.64.0/18"}};
  const pipeline::ForwardingTables tables = tables_of(state);
  const pipeline::PeerTables& topix = tables.peers.at(1);
  using enum nat::Translation;
  EXPECT_EQ(translated(topix, *topix.local_by_seen_as, "10.91.64.5", kSeenAsToReal), "10.244.64.5");
  EXPECT_EQ(translated(topix, *topix.local_by_seen_as, "10.244.64.5", kSeenAsToReal), "");
  EXPECT_EQ(translated(topix, *topix.local_by_seen_as, "10.244.63.5", kSeenAsToReal), "10.244.63.5");
  EXPECT_EQ(translated(topix, *topix.local_by_seen_as, "10.244.128.5", kSeenAsToReal), "10.244.128.5");
}

// 10.0.3.4 is seen as 10.72.0.1. So nobody is behind 10.72.3.4, and 10.0.0.1 is not seen at all.
TEST(Compile, ASingleAddressIsNotItsPrefixs) {
  DesiredState state = sample();
  state.peers[1].remote = {{"10.0.0.0/16", "10.72.0.0/16"}, {"10.0.3.4", "10.72.0.1"}};
  state.peers[1].local = {{"10.244.9.9", "10.99.0.1"}, {"10.244.0.0/16", "10.91.0.0/16"}};
  const pipeline::ForwardingTables tables = tables_of(state);
  const pipeline::PeerTables& topix = tables.peers.at(1);
  using enum nat::Translation;
  EXPECT_EQ(outbound(tables, "10.72.0.1"), "1>10.0.3.4");
  EXPECT_EQ(outbound(tables, "10.72.0.2"), "1>10.0.0.2");
  EXPECT_EQ(outbound(tables, "10.72.3.4"), "");
  EXPECT_EQ(translated(topix, *topix.remote_by_real, "10.0.3.4", kRealToSeenAs), "10.72.0.1");
  EXPECT_EQ(translated(topix, *topix.remote_by_real, "10.0.3.5", kRealToSeenAs), "10.72.3.5");
  EXPECT_EQ(translated(topix, *topix.remote_by_real, "10.0.0.1", kRealToSeenAs), "");
  EXPECT_EQ(translated(topix, *topix.local_by_real, "10.244.9.9", kRealToSeenAs), "10.99.0.1");
  EXPECT_EQ(translated(topix, *topix.local_by_seen_as, "10.99.0.1", kSeenAsToReal), "10.244.9.9");
  EXPECT_EQ(translated(topix, *topix.local_by_seen_as, "10.91.9.9", kSeenAsToReal), "");
}

}  // namespace
}  // namespace isthmus::config
