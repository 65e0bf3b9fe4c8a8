#include "control/validate_command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace isthmus::control {
namespace {

// A gateway's document, its peer on line 7.
std::string document(const std::string& name, const std::string& peer, const std::string& maps) {
  return "apiVersion: isthmus/v1alpha1\nname: " + name +
         "\nprivateKeyFile: /etc/isthmus/private.key\n"
         "ports: {cluster: {interface: eth1}, underlay: {interface: eth0}}\n"
         "pods: [10.244.0.0/16]\npeers:\n  - name: " +
         peer + "\n    publicKey: " +
         (name == "west" ? "Tm90IGEgcmVhbCBrZXksIGJ1dCAzMiBieXRlcy4uLjA="
                         : "QWxzbyBub3QgYSBrZXksIGJ1dCAzMiBieXRlcyBsb24=") +
         "\n    endpoint: 192.0.2.2:51820\n" + maps;
}

const std::string kWestMaps = "    remote:\n      - {real: 10.60.0.0/16, seenAs: 10.70.0.0/16}\n";
const std::string kEastMaps =
    "    remote:\n      - {real: 10.244.0.0/16, seenAs: 10.81.0.0/16}\n"
    "    local: [{real: 10.244.0.0/16, seenAs: 10.60.0.0/16}]\n";

class ValidateCommand : public testing::Test {
 protected:
  ValidateCommand() : directory_(testing::TempDir() + "isthmus-validate-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(directory_);
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(directory_);
    save("west.yaml", document("west", "east", kWestMaps));
    save("east.yaml", document("east", "west", kEastMaps));
  }
  ~ValidateCommand() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(directory_);
  }

  static void save(const std::string& name, const std::string& text) { std::ofstream(name) << text; }
  bool run(const std::vector<std::string>& files) {
    output_.str("");
    errors_.str("");
    return validate_command(files, output_, errors_);
  }

  std::string directory_;
  std::filesystem::path before_;
  std::ostringstream output_;
  std::ostringstream errors_;
};

TEST_F(ValidateCommand, SaysThatDocumentsAgree) {
  EXPECT_TRUE(run({"west.yaml", "east.yaml"})) << errors_.str();
  EXPECT_EQ(output_.str(), "west.yaml: ok, peers: 1\neast.yaml: ok, peers: 1\nthe documents agree\n");
  EXPECT_EQ(errors_.str(), "");
}

TEST_F(ValidateCommand, ShowsAPacketForWhatDiffers) {
  save("east.yaml", document("east", "west",
                             "    remote: [{real: 10.244.0.0/16, seenAs: 10.81.0.0/16}]\n"
                             "    local: [{real: 10.244.0.0/16, seenAs: 10.61.0.0/16}]\n"));
  EXPECT_FALSE(run({"west.yaml", "east.yaml"}));
  EXPECT_EQ(errors_.str(),
            "west.yaml:10: peers[0].remote: 10.61.0.1 is in no map's real, and east sends from 10.61.0.0/16; add a map "
            "with real: 10.61.0.0/16; `isthmusctl suggest` finds a view for it\n"
            "    10.244.0.1 -> 10.81.0.1 from east, in the tunnel 10.61.0.1 -> 10.244.0.1: west drops it: "
            "source_not_allowed\n"
            "west.yaml:11: peers[0].remote[0].real: 10.60.0.1 is nobody's: east shows 10.61.0.0/16; write what east "
            "shows, or remove this map\n"
            "    10.244.0.1 -> 10.70.0.1 from west, in the tunnel 10.244.0.1 -> 10.60.0.1: east drops it: "
            "destination_not_offered\n");
  EXPECT_EQ(output_.str(), "west.yaml: ok, peers: 1\neast.yaml: ok, peers: 1\n");
}

TEST_F(ValidateCommand, SaysWhatItCouldNotJudge) {
  save("far.yaml", document("far", "moon", kEastMaps));
  EXPECT_TRUE(run({"west.yaml", "far.yaml"})) << errors_.str();
  EXPECT_EQ(output_.str(),
            "west.yaml: ok, peers: 1\nfar.yaml: ok, peers: 1\n"
            "not judged: east, whose document was not given\nnot judged: moon, whose document was not given\n"
            "the documents agree\n");
  EXPECT_TRUE(run({"west.yaml"}));
  EXPECT_EQ(output_.str(), "west.yaml: ok, peers: 1\n");
}

TEST_F(ValidateCommand, ComparesNothingThatIsWrongAlone) {
  save("east.yaml", document("east", "vest", "    remote: []\n"));
  EXPECT_FALSE(run({"west.yaml", "east.yaml", "none.yaml"}));
  EXPECT_EQ(output_.str(), "west.yaml: ok, peers: 1\n");
  EXPECT_EQ(errors_.str(),
            "east.yaml:10: peers[0].remote: is missing: nothing of this peer could be reached; write its pods' prefix "
            "and how it looks here, such as [{real: 10.244.0.0/16, seenAs: 10.71.0.0/16}]\n"
            "none.yaml:1: cannot be read: No such file or directory; check the path and its permissions\n");
}

}  // namespace
}  // namespace isthmus::control
