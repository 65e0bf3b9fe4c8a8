#include "dataplane/config/agreement.h"

#include <gtest/gtest.h>

#include <functional>

#include "test/unit/config/sample.h"

namespace isthmus::config {
namespace {

// West keeps its own addresses, east presents itself as others; both see each other as others again.
std::vector<DesiredState> pair_of_documents() {
  DesiredState west = sample();
  west.name = "west";
  west.pods = {"10.244.0.0/16"};
  west.peers.resize(1);
  west.peers[0].name = "east";
  west.peers[0].mtu = 1380;
  west.peers[0].remote = {{"10.60.0.0/15", "10.70.0.0/15"}};
  DesiredState east = west;
  east.name = "east";
  east.pods = {"10.244.0.0/15"};
  east.peers[0].name = "west";
  east.peers[0].public_key = kKeyB;
  east.peers[0].endpoint = "";
  east.peers[0].remote = {{"10.244.0.0/16", "10.81.0.0/16"}};
  east.peers[0].local = {{"10.244.0.0/15", "10.60.0.0/15"}};
  return {west, east};
}

std::vector<ValidatedConfig> validated(const std::vector<DesiredState>& states) {
  std::vector<ValidatedConfig> configs;
  for (const DesiredState& state : states) {
    auto checked = validate(state);
    if (const auto* errors = std::get_if<ConfigErrors>(&checked)) {
      for (const ConfigError& error : *errors) ADD_FAILURE() << state.name << ": " << to_string(error);
      return {};
    }
    configs.push_back(std::move(std::get<ValidatedConfig>(checked)));
  }
  return configs;
}

std::string words(const std::vector<DesiredState>& states) {
  const std::vector<ValidatedConfig> configs = validated(states);
  std::string all;
  for (const Disagreement& found : disagreements(configs)) {
    all +=
        configs[found.document].name + ": " + to_string(found.error) + "\n  " + to_string(found.packet, configs) + "\n";
  }
  return all;
}

struct Quarrel {
  const char* what;
  std::function<void(DesiredState& west, DesiredState& east)> mistake;
  const char* words;
};

const Quarrel kQuarrels[] = {
    {"nothing", [](DesiredState&, DesiredState&) {}, ""},
    {"both rewrite, and both know",
     [](DesiredState& west, DesiredState& east) {
       west.peers[0].local = {{"10.244.0.0/16", "10.50.0.0/16"}};
       east.peers[0].remote[0].real = "10.50.0.0/16";
     },
     ""},
    {"both rewrite, and one does not know",
     [](DesiredState& west, DesiredState&) {
       west.peers[0].remote = {{"10.244.0.0/15", "10.70.0.0/15"}};
     },
     "west: peers[0].remote: 10.60.0.1 is in no map's real, and east sends from 10.60.0.0/15; east's local map shows "
     "10.244.0.0/15 so already: write real: 10.60.0.0/15 here, or remove that map there\n"
     "  10.244.0.1 -> 10.81.0.1 from east, in the tunnel 10.60.0.1 -> 10.244.0.1: west drops it: source_not_allowed\n"
     "west: peers[0].remote[0].real: 10.244.0.1 is nobody's: east shows 10.60.0.0/15; east's local map shows "
     "10.244.0.0/15 so already: write real: 10.60.0.0/15 here, or remove that map there\n"
     "  10.244.0.1 -> 10.70.0.1 from west, in the tunnel 10.244.0.1 -> 10.244.0.1: east drops it: "
     "destination_not_offered\n"},
    {"pods that nobody there can reach", [](DesiredState& west, DesiredState&) { west.pods.push_back("10.9.4.0/24"); },
     "east: peers[0].remote: 10.9.4.1 is in no map's real, and west sends from 10.9.4.0/24; add a map with real: "
     "10.9.4.0/24; `isthmusctl suggest` finds a view for it\n"
     "  10.9.4.1 -> 10.70.0.1 from west, in the tunnel 10.9.4.1 -> 10.60.0.1: east drops it: source_not_allowed\n"},
    {"half of the pods",
     [](DesiredState& west, DesiredState&) {
       west.peers[0].remote = {{"10.60.0.0/16", "10.70.0.0/16"}};
     },
     "west: peers[0].remote: 10.61.0.0 is in no map's real, and east sends from 10.60.0.0/15; add a map with real: "
     "10.60.0.0/15; `isthmusctl suggest` finds a view for it\n"
     "  10.245.0.0 -> 10.81.0.1 from east, in the tunnel 10.61.0.0 -> 10.244.0.1: west drops it: source_not_allowed\n"},
    {"what both sides except",
     [](DesiredState& west, DesiredState& east) {
       west.peers[0].remote[0].except = {"10.60.9.0/24"};
       east.peers[0].local[0].except = {"10.244.8.0/24"};
     },
     ""},
    {"a single address that hides another",
     [](DesiredState& west, DesiredState&) {
       west.peers[0].remote.push_back({"10.60.9.9", "10.70.3.4"});
     },
     "west: peers[0].remote: 10.60.3.4 is hidden by a longer map's seenAs, and east sends from 10.60.0.0/15; write "
     "another seenAs for the longer map, or except this address if that is meant\n"
     "  10.244.3.4 -> 10.81.0.1 from east, in the tunnel 10.60.3.4 -> 10.244.0.1: west drops it: "
     "source_not_allowed\n"},
    {"views of nobody",
     [](DesiredState&, DesiredState& east) {
       east.peers[0].remote.push_back({"10.96.0.0/16", "10.92.0.0/16"});
     },
     "east: peers[0].remote[1].real: 10.96.0.1 is nobody's: west shows 10.244.0.0/16; write what west shows, or remove "
     "this map\n"
     "  10.244.0.1 -> 10.92.0.1 from east, in the tunnel 10.60.0.1 -> 10.96.0.1: west drops it: "
     "destination_not_offered\n"},
    {"no peer back", [](DesiredState&, DesiredState& east) { east.peers[0].name = "vest"; },
     "east: peers: west has this cluster as its peer, but is none here; add it, or write name: west at the peer that "
     "is "
     "meant\n"
     "  10.244.0.1 -> 10.70.0.1 from west, in the tunnel 10.244.0.1 -> 10.60.0.1: west drops it: no_session\n"},
    {"one key for two", [](DesiredState&, DesiredState& east) { east.peers[0].public_key = kKeyA; },
     "east: peers[0].publicKey: in west this is the key of east; write each cluster's own key\n"
     "  10.244.0.1 -> 10.81.0.1 from east, in the tunnel 10.60.0.1 -> 10.244.0.1: where the key is the wrong one, east "
     "drops it: no_session\n"},
    {"pre-shared key", [](DesiredState&, DesiredState& east) { east.peers[0].preshared_key_file = ""; },
     "east: peers[0].presharedKeyFile: is missing: west has one; write the file with the same key here, or remove the "
     "line there\n"
     "  10.244.0.1 -> 10.70.0.1 from west, in the tunnel 10.244.0.1 -> 10.60.0.1: west drops it: no_session\n"},
    {"nobody begins", [](DesiredState& west, DesiredState&) { west.peers[0].endpoint = ""; },
     "west: peers[0].endpoint: is missing here and in east: nobody begins; write the peer's address and port in one of "
     "the two\n"
     "  10.244.0.1 -> 10.70.0.1 from west, in the tunnel 10.244.0.1 -> 10.60.0.1: west drops it: no_session\n"},
    {"MTU", [](DesiredState&, DesiredState& east) { east.peers[0].mtu = 0; },
     "east: peers[0].mtu: 1420 here is 1380 in west; write one of them in both\n"
     "  10.244.0.1 -> 10.81.0.1 from east, in the tunnel 10.60.0.1 -> 10.244.0.1: with 1420 bytes it arrives, but when "
     "its answer is as long and must not be cut, west drops it: too_big\n"},
    {"lanes", [](DesiredState& west, DesiredState&) { west.peers[0].lanes = 3; },
     "west: peers[0].lanes: 3 here is 1 in east; write one number in both: a lane needs two ends\n"
     "  10.244.0.1 -> 10.70.0.1 from west, in the tunnel 10.244.0.1 -> 10.60.0.1: a flow of a lane above 1 has to take "
     "another\n"},
};

TEST(Agreement, NamesEachQuarrelWithAPacket) {
  for (const Quarrel& quarrel : kQuarrels) {
    std::vector<DesiredState> states = pair_of_documents();
    quarrel.mistake(states[0], states[1]);
    EXPECT_EQ(words(states), quarrel.words) << quarrel.what;
  }
}

TEST(Agreement, WantsOneNameForEachCluster) {
  std::vector<DesiredState> states = pair_of_documents();
  states[1].name = "west";
  states[1].peers[0].name = "east";
  const std::vector<Disagreement> found = disagreements(validated(states));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].document, 1U);
  EXPECT_EQ(to_string(found[0].error),
            "name: west is the name in another of these documents too; give every cluster its own name, or leave one "
            "of the files out");
}

TEST(Agreement, ComparesWhatTwoSayOfAThird) {
  std::vector<DesiredState> states = pair_of_documents();
  DesiredPeer third = sample().peers[1];
  third.public_key = "VGhpcmQgb25lLCBub3QgYSBrZXksIDMyIGJ5dGVzLi4=";
  states[0].peers.push_back(third);
  states[1].peers.push_back(third);
  states[1].peers[1].local.clear();
  EXPECT_EQ(words(states), "");
  states[1].peers[1].public_key = "Rm91cnRoLCBub3QgYSBrZXksIGJ1dCAzMiBieXRlcy4=";
  EXPECT_EQ(words(states),
            "east: peers[1].publicKey: west has another key for topix; write what `wg pubkey` prints for that "
            "cluster's private key in both\n"
            "  10.244.0.1 -> 10.72.0.1 from east, in the tunnel 10.244.0.1 -> 10.0.0.1: where the key is the wrong "
            "one, east drops it: no_session\n");
}

}  // namespace
}  // namespace isthmus::config
