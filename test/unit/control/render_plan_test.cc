#include "control/render_plan.h"

#include <gtest/gtest.h>

namespace isthmus::control {
namespace {

TEST(RenderPlan, SaysThatNothingChanges) { EXPECT_EQ(render_plan({}, {}), "nothing changes\n"); }

TEST(RenderPlan, SaysWhatChangesAndWhoAgreesOnNewKeys) {
  config::Plan plan;
  plan.changes = {"name: b instead of a"};
  EXPECT_EQ(render_plan(plan, {}), "name: b instead of a\nhandshakes: none\n");
  plan.handshakes = {"c, for the first time"};
  EXPECT_EQ(render_plan(plan, {}), "name: b instead of a\nhandshakes: c, for the first time\n");
  plan.refused = {"aead"};
  EXPECT_NE(render_plan(plan, {}).find("\nrefused: aead cannot change while the data plane runs; "), std::string::npos);
}

TEST(RenderPlan, SaysWhatEndsThoughTheDocumentIsTheSame) {
  EXPECT_EQ(render_plan({}, {"peers[c]: removed with wg"}), "ends: peers[c]: removed with wg\n");
}

}  // namespace
}  // namespace isthmus::control
