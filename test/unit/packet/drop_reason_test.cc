#include "dataplane/packet/drop_reason.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace isthmus {
namespace {

using testing::AnyOf;
using testing::MatchesRegex;

template <typename Reason>
void expect_good_texts() {
  std::set<std::string_view> names;
  for (std::size_t i = 1; i < static_cast<std::size_t>(Reason::kCount); ++i) {
    const ReasonText& text = describe(Reason(i));
    EXPECT_THAT(std::string(text.name), MatchesRegex("[a-z0-9]+(_[a-z0-9]+)*"));
    EXPECT_THAT(std::string(text.help), MatchesRegex(".{20,}\\.")) << text.name;
    EXPECT_THAT(text.stage, AnyOf("rx", "parse", "route_to_peer", "fit_mtu", "translate", "seal", "encapsulate", "tx",
                                  "decapsulate", "admit", "open", "authorize", "resolve_next_hop"))
        << text.name;
    EXPECT_TRUE(names.insert(text.name).second) << text.name << " twice";
  }
}

TEST(DropReason, EveryReasonHasItsOwnNameAStageAndASentence) { expect_good_texts<DropReason>(); }

TEST(DropReason, EveryPuntToo) { expect_good_texts<Punt>(); }

TEST(DropReason, NamesLeadBack) {
  for (std::size_t i = 1; i < kDropReasons; ++i) {
    EXPECT_EQ(drop_reason_from_name(describe(DropReason(i)).name), DropReason(i));
  }
  EXPECT_EQ(drop_reason_from_name("no_such_reason"), std::nullopt);
  EXPECT_EQ(drop_reason_from_name("none"), std::nullopt) << "nothing dies of it";
  EXPECT_EQ(drop_reason_from_name(""), std::nullopt);
}

// Dashboards and alerts are written against them.
TEST(DropReason, NamesAreReleased) {
  EXPECT_EQ(describe(DropReason::kReplayed).name, "replayed");
  EXPECT_EQ(describe(DropReason::kReplayed).stage, "open");
  EXPECT_EQ(describe(DropReason::kTooBig).stage, "fit_mtu");
  EXPECT_EQ(describe(Punt::kKeepalive).name, "keepalive");
}

}  // namespace
}  // namespace isthmus
