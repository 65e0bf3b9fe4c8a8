#include "dataplane/config/suggest.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/config/validate.h"
#include "test/unit/config/sample.h"

namespace isthmus::config {
namespace {

Ipv4Prefix prefix(const std::string& text) { return std::get<Ipv4Prefix>(parse_ipv4_prefix(text)); }

bool is_valid(const DesiredState& state) { return std::holds_alternative<ValidatedConfig>(validate(state)); }

// Two clusters with equal pods, each with nothing but the other's real prefix.
std::vector<DesiredState> bare_pair() {
  DesiredState a = sample();
  a.peers.resize(1);
  a.peers[0].remote = {{"10.244.0.0/16", ""}, {"10.7.4.0/24", ""}};
  DesiredState b = a;
  b.name = "netlab";
  b.peers[0].name = "crownlabs";
  b.peers[0].remote = {{"10.244.0.0/16", ""}};
  return {a, b};
}

TEST(Suggest, LeavesAGoodDocumentAlone) {
  const Suggested suggested = suggest_views({sample()});
  EXPECT_TRUE(suggested.suggestions.empty());
  EXPECT_EQ(suggested.documents, std::vector<DesiredState>{sample()});
}

TEST(Suggest, GivesEveryClusterItsOwnViews) {
  const Suggested suggested = suggest_views(bare_pair());
  const std::vector<Suggestion> expected = {
      {0, "peers[0].remote[0].seenAs", "", prefix("10.0.0.0/16")},
      {0, "peers[0].remote[1].seenAs", "", prefix("10.1.0.0/24")},
      {1, "peers[0].remote[0].seenAs", "", prefix("10.2.0.0/16")},
  };
  EXPECT_EQ(suggested.suggestions, expected);
  for (const DesiredState& document : suggested.documents) EXPECT_TRUE(is_valid(document)) << document.name;
  EXPECT_TRUE(suggest_views(suggested.documents).suggestions.empty());
}

TEST(Suggest, DoesNotDependOnTheOrderOfTheFiles) {
  std::vector<DesiredState> reversed = bare_pair();
  std::ranges::reverse(reversed);
  std::vector<DesiredState> documents = suggest_views(reversed).documents;
  std::ranges::reverse(documents);
  EXPECT_EQ(documents, suggest_views(bare_pair()).documents);
}

TEST(Suggest, ReplacesTheViewThatClashesAndNoOther) {
  DesiredState state = sample();
  // The second overlaps the first; the third overlaps the second only, and may stay once that has gone.
  state.peers[1].remote = {
      {"10.1.0.0/16", "10.71.0.0/16"}, {"10.70.0.0/15", "10.70.0.0/15"}, {"10.3.0.0/16", "10.90.0.0/16"}};
  state.peers[0].remote = {{"10.244.0.0/16", "10.71.0.0/16"}};
  const Suggested suggested = suggest_views({state});
  ASSERT_EQ(suggested.suggestions.size(), 2U);
  EXPECT_EQ(suggested.suggestions[0].path, "peers[1].remote[0].seenAs");
  EXPECT_EQ(suggested.suggestions[0].before, "10.71.0.0/16");
  EXPECT_EQ(suggested.suggestions[1].path, "peers[1].remote[1].seenAs");
  EXPECT_EQ(suggested.documents[0].peers[1].remote[2].seen_as, "10.90.0.0/16");
  EXPECT_TRUE(is_valid(suggested.documents[0]));
}

TEST(Suggest, KeepsWhatClashedOnlyWithAViewThatHasGone) {
  DesiredState state = sample();
  state.peers[0].remote = {{"10.244.0.0/16", "10.244.0.0/16"}, {"10.5.1.0/24", "10.244.0.0/24"}};
  state.pods = {"10.244.128.0/17"};
  state.peers[1].local.clear();
  const Suggested suggested = suggest_views({state});
  ASSERT_EQ(suggested.suggestions.size(), 1U);
  EXPECT_EQ(suggested.suggestions[0].path, "peers[0].remote[0].seenAs");
  EXPECT_TRUE(is_valid(suggested.documents[0]));
}

TEST(Suggest, LeavesASingleAddressInsideAnotherViewWhereItIs) {
  DesiredState state = sample();
  state.peers[1].remote = {{"10.0.0.0/16", "10.72.0.0/16"}, {"10.0.7.53", "10.72.9.9"}};
  EXPECT_TRUE(is_valid(state));
  EXPECT_TRUE(suggest_views({state}).suggestions.empty());
}

TEST(Suggest, StaysAwayFromAllThatTheDocumentsSpeakOf) {
  std::vector<DesiredState> pair = bare_pair();
  pair[0].peers[0].endpoint = "100.64.3.1:51820";
  pair[1].reserved = {"100.65.0.0/16"};
  pair[1].peers[0].local = {{"10.244.0.0/16", "100.66.0.0/16"}};
  pair[1].underlay_port = {};
  pair[1].underlay_port.device = "net_memif";
  pair[1].underlay_port.addresses = {"100.67.0.9/16"};
  const Suggested suggested = suggest_views(pair, {prefix("100.64.0.0/13")});
  ASSERT_EQ(suggested.suggestions.size(), 3U);
  EXPECT_EQ(to_string(*suggested.suggestions[0].view), "100.68.0.0/16");
  EXPECT_EQ(to_string(*suggested.suggestions[1].view), "100.64.0.0/24");
  EXPECT_EQ(to_string(*suggested.suggestions[2].view), "100.69.0.0/16");
}

TEST(Suggest, TakesFromTheGivenPoolsAndSaysWhenTheyAreFull) {
  const Suggested suggested = suggest_views(bare_pair(), {prefix("192.168.0.0/16")});
  ASSERT_EQ(suggested.suggestions.size(), 3U);
  EXPECT_EQ(suggested.suggestions[0].view, prefix("192.168.0.0/16"));
  EXPECT_FALSE(suggested.suggestions[1].view);
  EXPECT_FALSE(suggested.suggestions[2].view);
  EXPECT_EQ(suggested.documents[1].peers[0].remote[0].seen_as, "");
}

TEST(Suggest, ClashesWithoutRoomEndToo) {
  DesiredState state = sample();
  state.peers[0].remote[0].seen_as = "10.244.0.0/16";
  const Suggested suggested = suggest_views({state}, {prefix("192.168.0.0/24")});
  ASSERT_EQ(suggested.suggestions.size(), 1U);
  EXPECT_FALSE(suggested.suggestions[0].view);
}

TEST(Suggest, LeavesOtherMistakesToTheirAuthor) {
  DesiredState state = sample();
  state.peers[0].remote = {{"10.244.0.1/16", ""}, {"10.5.0.0/16", "10.6.0.0/17"}, {"10.8.0.0/16", "ten"}};
  EXPECT_TRUE(suggest_views({state}).suggestions.empty());
}

}  // namespace
}  // namespace isthmus::config
