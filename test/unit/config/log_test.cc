#include "dataplane/config/log.h"

#include <gtest/gtest.h>

namespace isthmus::config {
namespace {

TEST(Log, LineIsLogfmtWithTimeInUtc) {
  EXPECT_EQ(log_line(1700000000, 7, LogLevel::kInfo, "started", {{"pid", "12"}, {"name", "two words"}}),
            "time=2023-11-14T22:13:20.007Z level=info event=started pid=12 name=\"two words\"\n");
}

TEST(Log, NothingInAValueEndsTheLineOrReachesTheTerminal) {
  EXPECT_EQ(
      log_line(0, 0, LogLevel::kError, "a \"b\"", {{"x", "1\n2\x1b[0m"}, {"y", ""}, {"z", "a=b\\"}}),
      "time=1970-01-01T00:00:00.000Z level=error event=\"a \\\"b\\\"\" x=\"1\\n2\\x1b[0m\" y=\"\" z=\"a=b\\\\\"\n");
}

}  // namespace
}  // namespace isthmus::config
