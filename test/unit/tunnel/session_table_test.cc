#include "tunnel/session_table.h"

#include <gtest/gtest.h>

#include <set>

namespace isthmus::tunnel {
namespace {

Session make_session(std::uint32_t index) { return {LaneId{PeerIndex{0}}, index, 99, true, {}, Instant{1s}}; }

TEST(SessionTable, FindsOnlyTheWholeIndex) {
  SessionTable table(16);
  const std::uint32_t index = table.reserve_index(0xabcdef00);
  EXPECT_EQ(index & ~15U, 0xabcdef00U);
  EXPECT_EQ(table.find(index), nullptr) << "reserved is not inserted";
  Session session = make_session(index);
  table.insert(session);
  EXPECT_EQ(table.find(index), &session);
  for (unsigned bit = 0; bit < 32; ++bit) EXPECT_EQ(table.find(index ^ (1U << bit)), nullptr) << bit;
  table.remove(session);
  EXPECT_EQ(table.find(index), nullptr);
}

TEST(SessionTable, GivesEverySlotOnceAndSaysWhenFull) {
  SessionTable table(8);
  std::set<std::uint32_t> indexes;
  for (int i = 0; i < 8; ++i) indexes.insert(table.reserve_index(0xffffffff));
  EXPECT_EQ(indexes.size(), 8U);
  EXPECT_FALSE(indexes.contains(0));
  EXPECT_EQ(table.reserve_index(0x12345678), 0U);
  table.release_index(*indexes.begin());
  const std::uint32_t again = table.reserve_index(0x12345678);
  EXPECT_EQ(again & 7U, *indexes.begin() & 7U);
  EXPECT_EQ(table.reserve_index(0), 0U);
}

TEST(SessionTable, KnowsWhichIndexesAreInUse) {
  SessionTable table(16);
  EXPECT_FALSE(table.in_use(0));
  const std::uint32_t index = table.reserve_index(0xabcdef00);
  EXPECT_TRUE(table.in_use(index));
  for (unsigned bit = 0; bit < 32; ++bit) EXPECT_FALSE(table.in_use(index ^ (1U << bit))) << bit;
  Session session = make_session(index);
  table.insert(session);
  EXPECT_TRUE(table.in_use(index));
  table.remove(session);
  EXPECT_FALSE(table.in_use(index));
}

TEST(SessionTable, ZeroIsNeverAnIndex) {
  SessionTable table(4);
  for (int i = 0; i < 4; ++i) EXPECT_NE(table.reserve_index(0), 0U);
}

TEST(SessionTable, AFreedSlotRests) {
  SessionTable table(4);
  const std::uint32_t first = table.reserve_index(0x100);
  table.release_index(first);
  EXPECT_NE(table.reserve_index(0x100) & 3U, first & 3U);
}

TEST(Session, NoncesAreNeverGivenTwice) {
  Session session = make_session(1);
  EXPECT_EQ(session.reserve_nonces(64), 0U);
  EXPECT_EQ(session.reserve_nonces(1), 64U);
  EXPECT_EQ(session.nonces_used(), 65U);
  EXPECT_FALSE(session.expired(Instant{1s} + kRejectAfterTime - 1ns));
  EXPECT_TRUE(session.expired(Instant{1s} + kRejectAfterTime));
}

}  // namespace
}  // namespace isthmus::tunnel
