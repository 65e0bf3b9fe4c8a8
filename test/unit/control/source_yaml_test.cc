#include "control/source_yaml.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "test/unit/config/sample.h"

namespace isthmus::control {
namespace {

const std::string kDocument = R"(apiVersion: isthmus/v1alpha1
name: crownlabs
privateKeyFile: /etc/isthmus/private.key
ports:
  cluster: {interface: eth1}
  underlay:
    interface: eth0
pods: [10.244.0.0/16]
reserved:
  - 10.96.0.0/12
tunnel: {listenPort: 51820, mtu: 1420}
polling: adaptive
aead: auto
metrics: {address: "127.0.0.1:8084"}
peers:
  - name: netlab
    publicKey: Tm90IGEgcmVhbCBrZXksIGJ1dCAzMiBieXRlcy4uLjA=
    presharedKeyFile: /etc/isthmus/netlab.psk
    endpoint: 192.0.2.2:51820
    persistentKeepalive: 25
    remote: [{real: 10.244.0.0/16, seenAs: 10.71.0.0/16}]
  - name: topix
    publicKey: QWxzbyBub3QgYSBrZXksIGJ1dCAzMiBieXRlcyBsb24=
    mtu: 1300
    remote:
      - {real: 10.0.0.0/16, seenAs: 10.72.0.0/16}
      - real: 10.5.0.0/24
        seenAs: 10.73.5.0/24
    local: [{real: 10.244.0.0/16, seenAs: 10.91.0.0/16}]
    othersSeenAs: 10.70.0.0
)";

// Every error of a text, as it is printed for the file f.
std::string errors_of(const std::string& text) {
  const YamlSource source = read_yaml(text, "f");
  const auto checked = validate(source);
  std::string all;
  if (const auto* errors = std::get_if<config::ConfigErrors>(&checked)) {
    for (const config::ConfigError& error : *errors) all += to_string(source, error) + "\n";
  }
  return all;
}

std::string replaced(const std::string& from, const std::string& to) {
  std::string text = kDocument;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(SourceYaml, ReadsEveryField) {
  const YamlSource source = read_yaml(kDocument, "f");
  EXPECT_TRUE(source.errors.empty());
  EXPECT_EQ(source.state, config::sample());
  EXPECT_EQ(errors_of(kDocument), "");
}

TEST(SourceYaml, ReadsDevices) {
  const YamlSource source =
      read_yaml(replaced("    interface: eth0\n",
                         "    device: \"0000:3b:00.0\"\n    addresses: [192.0.2.1/24]\n    gateway: 192.0.2.254\n"
                         "    mac: 02:00:00:00:00:01\n"),
                "f");
  EXPECT_TRUE(source.errors.empty());
  EXPECT_EQ(source.state.underlay_port.device, "0000:3b:00.0");
  EXPECT_EQ(source.state.underlay_port.addresses, std::vector<std::string>{"192.0.2.1/24"});
  EXPECT_EQ(source.state.underlay_port.gateway, "192.0.2.254");
  EXPECT_EQ(source.state.underlay_port.mac, "02:00:00:00:00:01");
}

TEST(SourceYaml, ReadsWhatAMapExcepts) {
  const YamlSource source = read_yaml(
      replaced("seenAs: 10.73.5.0/24", "seenAs: 10.73.5.0/24\n        except: [10.5.0.9, 10.5.0.128/25]"), "f");
  EXPECT_TRUE(source.errors.empty());
  EXPECT_EQ(source.state.peers[1].remote[1].except, (std::vector<std::string>{"10.5.0.9", "10.5.0.128/25"}));
}

TEST(SourceYaml, LeavesOutWhatIsEmpty) {
  const YamlSource source = read_yaml(replaced("reserved:\n  - 10.96.0.0/12\n", "reserved:\nmetrics2:\n"), "f");
  EXPECT_TRUE(source.state.reserved.empty());
  EXPECT_EQ(source.state.metrics_address, "127.0.0.1:8084");
}

struct Mistake {
  const char* from;
  const char* to;
  const char* error;
};

const Mistake kMistakes[] = {
    {"polling: adaptive", "poling: adaptive", "f:12: poling: unknown field; did you mean polling?\n"},
    {"    endpoint: 192", "    endpont: 192", "f:19: peers[0].endpont: unknown field; did you mean endpoint?\n"},
    {"seenAs: 10.73.5.0/24", "seen_as: 10.73.5.0/24",
     "f:27: peers[1].remote[1].seenAs: is missing; write address/length, such as 10.71.0.0/16\n"
     "f:28: peers[1].remote[1].seen_as: unknown field; did you mean seenAs?\n"},
    {"tunnel: {listenPort", "tunnel: {bandwidth: 5, listenPort",
     "f:11: tunnel.bandwidth: unknown field; known here are listenPort, listenPorts, mtu\n"},
    {"pods: [10.244.0.0/16]", "pods: 10.244.0.0/16",
     "f:8: pods: must be a list; begin each entry with a hyphen: - ...\n"
     "f:8: pods: is missing: nobody in this cluster could send; write its pod CIDRs, such as [10.244.0.0/16]\n"},
    {"mtu: 1300", "mtu: [1300]",
     "f:24: peers[1].mtu: must be a whole number; write it in digits, without quotes or a unit\n"},
    {"mtu: 1300", "mtu: \"1300\"",
     "f:24: peers[1].mtu: must be a whole number; write it in digits, without quotes or a unit\n"},
    {"persistentKeepalive: 25", "persistentKeepalive: 25s",
     "f:20: peers[0].persistentKeepalive: must be a whole number; write it in digits, without quotes or a unit\n"},
    {"tunnel: {listenPort: 51820, mtu: 1420}", "tunnel: 5",
     "f:11: tunnel: must be fields with values; write name: value lines\n"},
    {"aead: auto", "aead: {auto: 1}", "f:13: aead: must be a single value; write aead: value\n"},
    {"endpoint: 192.0.2.2:51820", "endpoint: gw",
     "f:19: peers[0].endpoint: 'gw' has no port from 1 to 65535; write address:port or name:port, such as "
     "192.0.2.1:51820 or gw.example.org:51820\n"},
    {"aead: auto", "polling: busy", "f:13: field 'polling' stands twice, first on line 12; remove one of them\n"},
    {"aead: auto", "aead: &a auto", "f:13: anchors and aliases (& and *) are not supported; write the value out\n"},
    {"aead: auto", "aead: *a",
     "f:13: not YAML: the referenced anchor is not defined; check indentation, quotes and brackets here\n"},
    {"aead: auto", "[a]: auto", "f:13: a field's name must be a word; write name: value\n"},
    {"aead: auto", "aead: [auto",
     "f:14: not YAML: end of sequence flow not found; check indentation, quotes and brackets here\n"},
    {"aead: auto", "---\naead: auto", "f:14: a second document begins here; keep one document in a file\n"},
};

TEST(SourceYaml, NamesTheLineOfEveryMistake) {
  for (const Mistake& mistake : kMistakes) {
    EXPECT_EQ(errors_of(replaced(mistake.from, mistake.to)), mistake.error) << mistake.to;
  }
}

TEST(SourceYaml, RefusesWhatIsNoDocument) {
  constexpr const char* kEmpty = "f:1: the document is empty; compare with control/example.yaml\n";
  EXPECT_EQ(errors_of(""), kEmpty);
  EXPECT_EQ(errors_of("# nothing but words\n"), kEmpty);
  EXPECT_EQ(errors_of("- a\n"), "f:1: must be fields with values; write name: value lines\n");
  EXPECT_NE(errors_of(std::string("\0\0\0\0", 4)), "");
  EXPECT_EQ(errors_of(std::string(kMaxDocument + 1, '#')),
            "f:1: is longer than 4 MiB; split the peers over several gateways\n");
}

// Whatever a half-written file still says: an error, never a crash, and never silently fewer peers by a broken line.
TEST(SourceYaml, SurvivesACutAnywhere) {
  for (std::size_t size = 0; size < kDocument.find("  - name: topix"); ++size) {
    errors_of(kDocument.substr(0, size));
  }
  EXPECT_NE(errors_of(kDocument.substr(0, kDocument.find("10.71"))), "");
  EXPECT_NE(errors_of(kDocument.substr(0, kDocument.find("    remote: [{real"))), "");
}

TEST(SourceYaml, DepthAndAliasesCannotExplode) {
  EXPECT_NE(errors_of(std::string(100000, '[')), "");
  EXPECT_NE(errors_of("a: " + std::string(40, '[') + std::string(40, ']')).find("nested too deeply"),
            std::string::npos);
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string last = std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + last + ", *a" + last + "]\n";
  }
  EXPECT_NE(errors_of(bomb).find("anchors and aliases"), std::string::npos);
}

TEST(SourceYaml, SaysWhyAFileCannotBeRead) {
  const YamlSource missing = read_yaml_file("/nonexistent/x.yaml");
  ASSERT_EQ(missing.errors.size(), 1U);
  EXPECT_EQ(to_string(missing, missing.errors[0]),
            "/nonexistent/x.yaml:1: cannot be read: No such file or directory; check the path and its permissions");
  EXPECT_EQ(read_yaml_file("/").errors.at(0).message, "cannot be read: Is a directory");
}

TEST(SourceYaml, TheExampleIsRight) {
  const std::filesystem::path root = std::filesystem::path(__FILE__).parent_path() / "../../..";
  const YamlSource source = read_yaml_file(root / "control/example.yaml");
  const auto checked = validate(source);
  EXPECT_TRUE(std::holds_alternative<config::ValidatedConfig>(checked));
  EXPECT_EQ(source.state.peers.size(), 2U);
}

}  // namespace
}  // namespace isthmus::control
