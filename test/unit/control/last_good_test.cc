#include "control/last_good.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "test/unit/config/sample.h"

namespace isthmus::control {
namespace {

class LastGoodTest : public testing::Test {
 protected:
  LastGoodTest() : directory_(testing::TempDir() + "last-good-" + std::to_string(::getpid())), store_(directory_) {
    std::filesystem::remove_all(directory_);
  }
  ~LastGoodTest() override { std::filesystem::remove_all(directory_); }

  std::string content() const {
    std::ifstream file(store_.path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void overwrite(const std::string& text) const { std::ofstream(store_.path(), std::ios::binary) << text; }
  bool loads() const { return std::holds_alternative<config::DesiredState>(store_.load()); }

  std::string directory_;
  LastGood store_;
};

TEST_F(LastGoodTest, ComesBack) {
  EXPECT_TRUE(std::holds_alternative<LastGood::Missing>(store_.load()));
  ASSERT_FALSE(store_.save(config::sample()));
  ASSERT_TRUE(loads());
  EXPECT_EQ(std::get<config::DesiredState>(store_.load()), config::sample());
  config::DesiredState next = config::sample();
  next.name = "next";
  ASSERT_FALSE(store_.save(next));
  EXPECT_EQ(std::get<config::DesiredState>(store_.load()), next);
  EXPECT_EQ(std::filesystem::status(store_.path()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(LastGoodTest, ACutAnywhereIsNoticed) {
  ASSERT_FALSE(store_.save(config::sample()));
  const std::string whole = content();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    overwrite(whole.substr(0, size));
    ASSERT_TRUE(std::holds_alternative<LastGood::Damaged>(store_.load())) << "cut at " << size;
  }
  overwrite(whole);
  EXPECT_TRUE(loads());
}

TEST_F(LastGoodTest, AChangedByteAnywhereIsNoticed) {
  ASSERT_FALSE(store_.save(config::sample()));
  const std::string whole = content();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    overwrite(changed);
    ASSERT_FALSE(loads()) << "byte " << at;
  }
  overwrite(whole + "x");
  EXPECT_FALSE(loads());
}

TEST_F(LastGoodTest, SaysWhyItCannotBeStored) {
  const auto error = LastGood("/proc/nowhere").save(config::sample());
  ASSERT_TRUE(error);
  EXPECT_NE(error->find("/proc/nowhere/last-good.new"), std::string::npos);
}

}  // namespace
}  // namespace isthmus::control
