// What validate makes of a peer's local maps, and of maps that lie inside each other.

#include <gtest/gtest.h>

#include "dataplane/config/validate.h"
#include "test/unit/config/sample.h"

namespace isthmus::config {
namespace {

ValidatedConfig config_of(const DesiredState& state) {
  auto result = validate(state);
  if (const ConfigErrors* errors = std::get_if<ConfigErrors>(&result)) {
    for (const ConfigError& error : *errors) ADD_FAILURE() << to_string(error);
    return {};
  }
  return std::get<ValidatedConfig>(result);
}

std::vector<std::string> local_of(const ValidatedConfig& config, std::size_t peer) {
  std::vector<std::string> maps;
  for (const nat::PrefixMap& map : config.peers[peer].local) {
    maps.push_back(to_string(map.real) + ">" + to_string(map.seen_as));
  }
  return maps;
}

TEST(ValidateMaps, PodsWithoutALocalMapStayAsTheyAre) {
  EXPECT_EQ(local_of(config_of(sample()), 0), std::vector<std::string>{"10.244.0.0/16>10.244.0.0/16"});
  EXPECT_EQ(local_of(config_of(sample()), 1), std::vector<std::string>{"10.244.0.0/16>10.91.0.0/16"});
}

TEST(ValidateMaps, TheRestOfAPartlyMappedPodPrefixStaysAsItIs) {
  DesiredState state = sample();
  state.peers[1].local = {{"10.244.64.0/18", "10.91.64.0/18"}};
  EXPECT_EQ(local_of(config_of(state), 1),
            (std::vector<std::string>{"10.244.64.0/18>10.91.64.0/18", "10.244.0.0/18>10.244.0.0/18",
                                      "10.244.128.0/17>10.244.128.0/17"}));
}

TEST(ValidateMaps, PodsMayChangePlaces) {
  DesiredState state = sample();
  state.peers[1].local = {{"10.244.0.0/17", "10.244.128.0/17"}, {"10.244.128.0/17", "10.244.0.0/17"}};
  EXPECT_EQ(local_of(config_of(state), 1),
            (std::vector<std::string>{"10.244.0.0/17>10.244.128.0/17", "10.244.128.0/17>10.244.0.0/17"}));
}

TEST(ValidateMaps, APrefixMayLieInsideAnotherOne) {
  DesiredState state = sample();
  state.peers[1].remote = {{"10.0.3.4", "10.72.0.1"}, {"10.0.0.0/16", "10.72.0.0/16"}, {"10.0.9.0/24", "10.72.8.0/24"}};
  state.peers[1].local = {{"10.244.0.0/16", "10.91.0.0/16"}, {"10.244.9.9", "10.99.0.1"}};
  EXPECT_EQ(local_of(config_of(state), 1),
            (std::vector<std::string>{"10.244.0.0/16>10.91.0.0/16", "10.244.9.9/32>10.99.0.1/32"}));
  EXPECT_EQ(config_of(state).peers[1].remote.size(), 3U);
}

}  // namespace
}  // namespace isthmus::config
