#include "dataplane/route/prefix_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/support/packet_builder.h"

namespace isthmus::route {
namespace {

using test::ip4;
using test::prefix4;
using Entry = PrefixTable::Entry;
using Entries = std::vector<Entry>;

TEST(PrefixTable, EmptyKnowsNothing) {
  EXPECT_EQ(PrefixTable().lookup(ip4("10.0.0.1")), PrefixTable::kMissing);
  EXPECT_EQ(PrefixTable(Entries{}), PrefixTable());
  EXPECT_EQ(PrefixTable().memory_bytes(), 1024U);
}

TEST(PrefixTable, TheLongestPrefixWinsAtEveryDepth) {
  const PrefixTable table(Entries{{prefix4("0.0.0.0/0"), 0},
                                  {prefix4("10.0.0.0/8"), 8},
                                  {prefix4("10.128.0.0/9"), 9},
                                  {prefix4("10.244.0.0/16"), 16},
                                  {prefix4("10.244.2.0/23"), 23},
                                  {prefix4("10.244.2.0/24"), 24},
                                  {prefix4("10.244.2.6/31"), 31},
                                  {prefix4("10.244.2.7/32"), 32}});
  EXPECT_EQ(table.lookup(ip4("8.8.8.8")), 0U);
  EXPECT_EQ(table.lookup(ip4("10.127.255.255")), 8U);
  EXPECT_EQ(table.lookup(ip4("10.128.0.0")), 9U);
  EXPECT_EQ(table.lookup(ip4("10.244.4.0")), 16U);
  EXPECT_EQ(table.lookup(ip4("10.244.3.255")), 23U);
  EXPECT_EQ(table.lookup(ip4("10.244.2.8")), 24U);
  EXPECT_EQ(table.lookup(ip4("10.244.2.6")), 31U);
  EXPECT_EQ(table.lookup(ip4("10.244.2.7")), 32U);
}

TEST(PrefixTable, EdgesOfAPrefix) {
  const PrefixTable table(Entries{{prefix4("172.16.0.0/12"), 1}});
  EXPECT_EQ(table.lookup(ip4("172.15.255.255")), PrefixTable::kMissing);
  EXPECT_EQ(table.lookup(ip4("172.16.0.0")), 1U);
  EXPECT_EQ(table.lookup(ip4("172.31.255.255")), 1U);
  EXPECT_EQ(table.lookup(ip4("172.32.0.0")), PrefixTable::kMissing);
}

TEST(PrefixTable, EdgesOfTheAddressSpace) {
  const PrefixTable table(Entries{{prefix4("0.0.0.0/32"), 1}, {prefix4("255.255.255.255/32"), PrefixTable::kMaxValue}});
  EXPECT_EQ(table.lookup(ip4("0.0.0.0")), 1U);
  EXPECT_EQ(table.lookup(ip4("0.0.0.1")), PrefixTable::kMissing);
  EXPECT_EQ(table.lookup(ip4("255.255.255.255")), PrefixTable::kMaxValue);
  EXPECT_EQ(table.lookup(ip4("255.255.255.254")), PrefixTable::kMissing);
}

TEST(PrefixTable, TheOrderOfDifferentPrefixesDoesNotMatter) {
  Entries entries{{prefix4("10.0.0.0/8"), 1},
                  {prefix4("10.244.0.0/16"), 2},
                  {prefix4("10.244.1.0/24"), 3},
                  {prefix4("192.168.0.0/17"), 4}};
  const PrefixTable table(entries);
  std::ranges::reverse(entries);
  EXPECT_EQ(PrefixTable(entries), table);
  entries[0].value = 9;
  EXPECT_NE(PrefixTable(entries), table);
}

TEST(PrefixTable, OfEqualPrefixesTheLaterWins) {
  const PrefixTable table(Entries{{prefix4("10.0.0.0/8"), 1}, {prefix4("10.1.0.0/16"), 2}, {prefix4("10.0.0.0/8"), 3}});
  EXPECT_EQ(table.lookup(ip4("10.0.0.1")), 3U);
  EXPECT_EQ(table.lookup(ip4("10.1.0.1")), 2U);
}

TEST(PrefixTable, OneSixteenCostsTwoNodes) {
  EXPECT_EQ(PrefixTable(Entries{{prefix4("10.244.0.0/16"), 1}}).memory_bytes(), 2048U);
  EXPECT_EQ(PrefixTable(Entries{{prefix4("10.0.0.0/8"), 1}}).memory_bytes(), 1024U);
}

}  // namespace
}  // namespace isthmus::route
