#include "control/suggest_command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace isthmus::control {
namespace {

// Two clusters with equal pods. In one the view is missing, in the other it is the pods' own prefix.
const std::string kWest = R"(apiVersion: isthmus/v1alpha1
name: west
privateKeyFile: /etc/isthmus/private.key
ports: {cluster: {interface: eth1}, underlay: {interface: eth0}}
pods: [10.244.0.0/16]
peers:
  - name: east
    publicKey: Tm90IGEgcmVhbCBrZXksIGJ1dCAzMiBieXRlcy4uLjA=
    endpoint: 192.0.2.2:51820
    remote:
      - real: 10.244.0.0/16   # theirs are ours
    mtu: 1380
)";
const std::string kEast = R"(apiVersion: isthmus/v1alpha1
name: east
privateKeyFile: /etc/isthmus/private.key
ports: {cluster: {interface: eth1}, underlay: {interface: eth0}}
pods: [10.244.0.0/16]
peers:
  - {name: west, publicKey: QWxzbyBub3QgYSBrZXksIGJ1dCAzMiBieXRlcyBsb24=, mtu: 1380, remote: [{seenAs: '10.244.0.0/16', real: 10.244.0.0/16}]}
)";

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

class SuggestCommand : public testing::Test {
 protected:
  SuggestCommand() : directory_(testing::TempDir() + "isthmus-suggest-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(directory_);
    save("west.yaml", kWest);
    save("east.yaml", kEast);
  }
  ~SuggestCommand() override { std::filesystem::remove_all(directory_); }

  void save(const std::string& name, const std::string& text) { std::ofstream(directory_ + "/" + name) << text; }
  std::string load(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/" + name).rdbuf();
    return text.str();
  }
  bool run(bool write, std::vector<std::string> pools = {}) {
    output_.str("");
    errors_.str("");
    const std::vector<std::string> files = {directory_ + "/west.yaml", directory_ + "/east.yaml"};
    return suggest_command({files, std::move(pools), write}, output_, errors_);
  }
  // What was printed, without the directory.
  static std::string words(const std::ostringstream& stream, const std::string& directory) {
    std::string text = stream.str();
    for (std::size_t at = 0; (at = text.find(directory + "/")) != std::string::npos;) {
      text.erase(at, directory.size() + 1);
    }
    return text;
  }
  std::string output() { return words(output_, directory_); }
  std::string errors() { return words(errors_, directory_); }

  std::string directory_;
  std::ostringstream output_;
  std::ostringstream errors_;
};

TEST_F(SuggestCommand, SaysWhereWhatStandsAndWritesNothing) {
  EXPECT_TRUE(run(false));
  EXPECT_EQ(output(),
            "east.yaml:7: peers[0].remote[0].seenAs: 10.0.0.0/16 instead of 10.244.0.0/16\n"
            "west.yaml:11: peers[0].remote[0].seenAs: 10.1.0.0/16, for there is none\n"
            "isthmusctl suggest --write puts them into the files\n");
  EXPECT_EQ(errors(), "");
  EXPECT_EQ(load("west.yaml"), kWest);
  EXPECT_EQ(load("east.yaml"), kEast);
}

TEST_F(SuggestCommand, WritesTheViewsAndNothingElse) {
  std::filesystem::permissions(directory_ + "/east.yaml", std::filesystem::perms(0640));
  EXPECT_TRUE(run(true)) << errors();
  std::string west = kWest;
  std::string east = kEast;
  replace(west, "# theirs are ours\n", "# theirs are ours\n        seenAs: 10.1.0.0/16\n");
  replace(east, "'10.244.0.0/16'", "'10.0.0.0/16'");
  EXPECT_EQ(load("west.yaml"), west);
  EXPECT_EQ(load("east.yaml"), east);
  EXPECT_EQ(std::filesystem::status(directory_ + "/east.yaml").permissions(), std::filesystem::perms(0640));
  EXPECT_TRUE(run(true));
  EXPECT_EQ(output(), "nothing to suggest: every view is free\n");
}

TEST_F(SuggestCommand, TakesPools) {
  EXPECT_TRUE(run(false, {"172.20.0.0/16", "172.28.0.0/15"}));
  EXPECT_NE(output().find("172.20.0.0/16 instead"), std::string::npos) << output();
  EXPECT_NE(output().find("172.28.0.0/16, for"), std::string::npos) << output();
  EXPECT_FALSE(run(true, {"172.20.0.0/16"}));
  EXPECT_EQ(errors(),
            "west.yaml:11: peers[0].remote[0].seenAs: no pool has room for it; name a pool with --pool PREFIX\n"
            "nothing was written\n");
  EXPECT_FALSE(run(true, {"224.0.0.0/8"}));
  EXPECT_EQ(errors(), "--pool: 224.0.0.0/8 overlaps multicast (224.0.0.0/4); write a prefix of ordinary addresses\n");
  EXPECT_EQ(load("east.yaml"), kEast);
}

TEST_F(SuggestCommand, WritesNothingWhileAnythingElseIsWrong) {
  std::string wrong = kWest;
  replace(wrong, "pods: [10.244.0.0/16]\n", "");
  save("west.yaml", wrong);
  EXPECT_FALSE(run(true));
  EXPECT_EQ(errors(),
            "west.yaml:1: pods: is missing: nobody in this cluster could send; write its pod CIDRs, such as "
            "[10.244.0.0/16]\nnothing was written\n");
  replace(wrong, "mtu: 1380", "mtuu: 1380");
  save("west.yaml", wrong);
  EXPECT_FALSE(run(true));
  EXPECT_EQ(errors(), "west.yaml:11: peers[0].mtuu: unknown field; did you mean mtu?\n");
  EXPECT_EQ(load("east.yaml"), kEast);
}

TEST_F(SuggestCommand, FollowsALink) {
  std::filesystem::rename(directory_ + "/east.yaml", directory_ + "/real.yaml");
  std::filesystem::create_symlink("real.yaml", directory_ + "/east.yaml");
  EXPECT_TRUE(run(true)) << errors();
  EXPECT_TRUE(std::filesystem::is_symlink(directory_ + "/east.yaml"));
  EXPECT_NE(load("real.yaml"), kEast);
}

}  // namespace
}  // namespace isthmus::control
