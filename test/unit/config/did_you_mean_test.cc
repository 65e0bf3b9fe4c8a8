#include "dataplane/config/did_you_mean.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace isthmus::config {
namespace {

constexpr std::array<std::string_view, 4> kKnown = {"endpoint", "mtu", "remote", "publicKey"};

TEST(DidYouMean, CountsEdits) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("same", "same"), 0U);
}

TEST(DidYouMean, FindsTheNearestWordOrNone) {
  EXPECT_EQ(did_you_mean("endpont", kKnown), "endpoint");
  EXPECT_EQ(did_you_mean("publickey", kKnown), "publicKey");
  EXPECT_EQ(did_you_mean("mtx", kKnown), "mtu");
  EXPECT_EQ(did_you_mean("bandwidth", kKnown), "");
  EXPECT_EQ(did_you_mean("", kKnown), "");
  EXPECT_EQ(did_you_mean(std::string(1000000, 'e'), kKnown), "");
}

}  // namespace
}  // namespace isthmus::config
