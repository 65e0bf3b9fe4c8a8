#include "dataplane/config/plan.h"

#include <gtest/gtest.h>

#include <functional>

#include "dataplane/config/validate.h"
#include "test/unit/config/sample.h"

namespace isthmus::config {
namespace {

ValidatedConfig validated(const DesiredState& state) {
  auto checked = validate(state);
  if (const auto* errors = std::get_if<ConfigErrors>(&checked)) {
    for (const ConfigError& error : *errors) ADD_FAILURE() << to_string(error);
    return {};
  }
  return std::get<ValidatedConfig>(checked);
}

std::string words(const DesiredState& before, const DesiredState& after) {
  const Plan made = plan(validated(before), validated(after));
  std::string all;
  for (const std::string& change : made.changes) all += change + "\n";
  for (const std::string& path : made.refused) all += "refused: " + path + "\n";
  for (const std::string& who : made.handshakes) all += "handshake: " + who + "\n";
  return all;
}

struct Change {
  const char* what;
  std::function<void(DesiredState&)> change;
  const char* words;
};

const Change kChanges[] = {
    {"nothing", [](DesiredState&) {}, ""},
    {"other words for the same",
     [](DesiredState& s) {
       s.listen_ports = {51820};
       s.peers[0].mtu = 1420;
       s.peers[0].local = {{"10.244.0.0/16", "10.244.0.0/16"}};
       s.peers[0].endpoint_ports = {51820};
       std::swap(s.peers[1].remote[0], s.peers[1].remote[1]);
       std::swap(s.peers[0], s.peers[1]);
     },
     ""},
    {"own name", [](DesiredState& s) { s.name = "crown"; }, "name: crown instead of crownlabs\n"},
    {"private key", [](DesiredState& s) { s.private_key_file = "/new"; },
     "privateKeyFile: /new instead of /etc/isthmus/private.key\n"
     "handshake: every peer, if the private key is another; the old keys serve until then\n"},
    {"ports",
     [](DesiredState& s) {
       s.underlay_port.interface = "eth2";
       s.aead = "portable";
     },
     "ports.underlay: is another\naead: is another\nrefused: ports.underlay\nrefused: aead\n"},
    {"pods and reserved",
     [](DesiredState& s) {
       s.pods = {"10.9.0.0/24", "10.244.0.0/16"};
       s.reserved = {"10.112.0.0/12"};
     },
     "pods: 10.9.0.0/24 added\nreserved: 10.96.0.0/12 removed\nreserved: 10.112.0.0/12 added\n"},
    {"pods that go",
     [](DesiredState& s) {
       s.pods = {"10.244.0.0/17"};
       s.peers[1].local = {{"10.244.0.0/17", "10.91.0.0/17"}};
     },
     "pods: 10.244.0.0/16 removed; flows of these pods end\npods: 10.244.0.0/17 added\n"
     "peers[topix].local: 10.244.0.0/16, shown as 10.91.0.0/16, removed; its flows end\n"
     "peers[topix].local: 10.244.0.0/17 added, shown as 10.91.0.0/17; flows with its own addresses end\n"},
    {"the gateway's own settings",
     [](DesiredState& s) {
       s.listen_port = 7000;
       s.polling = "busy";
       s.metrics_address = "127.0.0.1:9";
     },
     "tunnel.listenPorts: 7000 instead of 51820\npolling: busy instead of adaptive\n"
     "metrics.address: 127.0.0.1:9 instead of 127.0.0.1:8084\n"},
    {"a peer goes", [](DesiredState& s) { s.peers.pop_back(); }, "peers[topix]: removed; its sessions and flows end\n"},
    {"a peer comes",
     [](DesiredState& s) {
       s.peers.push_back(s.peers[1]);
       s.peers[2].name = "third";
       s.peers[2].public_key = "VGhpcmQgb25lLCBub3QgYSBrZXksIDMyIGJ5dGVzLi4=";
       s.peers[2].remote = {{"10.0.0.0/16", "10.74.0.0/16"}};
     },
     "peers[third]: added, with 1 map\n"
     "handshake: third, for the first time, when it calls: it has no endpoint here\n"},
    {"keys",
     [](DesiredState& s) {
       s.peers[0].preshared_key_file = "";
       s.peers[1].public_key = "VGhpcmQgb25lLCBub3QgYSBrZXksIDMyIGJ5dGVzLi4=";
     },
     "peers[netlab].presharedKeyFile: none instead of /etc/isthmus/netlab.psk\n"
     "peers[topix].publicKey: VGhpcmQgb25lLCBub3QgYSBrZXksIDMyIGJ5dGVzLi4= instead of "
     "QWxzbyBub3QgYSBrZXksIGJ1dCAzMiBieXRlcyBsb24=\n"
     "handshake: netlab, if the pre-shared key is another; the old keys serve until then\n"
     "handshake: topix, for its public key is another; the old keys serve until then\n"},
    {"endpoint, keepalive, MTU",
     [](DesiredState& s) {
       s.peers[0].endpoint = "gw.example.org:7000";
       s.peers[0].persistent_keepalive = 0;
       s.peers[1].mtu = 0;
     },
     "peers[netlab].endpoint: gw.example.org:7000 instead of 192.0.2.2:51820\n"
     "peers[netlab].persistentKeepalive: 0 instead of 25\npeers[topix].mtu: 1420 instead of 1300\n"},
    {"more lanes", [](DesiredState& s) { s.peers[0].lanes = 2; },
     "tunnel.listenPorts: 51820, 51821 instead of 51820\npeers[netlab].lanes: 2 instead of 1\n"
     "handshake: netlab, with its new lanes only\n"},
    {"remote maps",
     [](DesiredState& s) {
       s.peers[0].remote[0].seen_as = "10.75.0.0/16";
       s.peers[1].remote[1] = {"10.6.0.0/24", "10.73.5.0/24"};
     },
     "peers[netlab].remote: 10.75.0.0/16 instead of 10.71.0.0/16 for 10.244.0.0/16; flows with 10.71.0.0/16 end\n"
     "peers[topix].remote: 10.5.0.0/24, seen as 10.73.5.0/24, removed; its flows end\n"
     "peers[topix].remote: 10.6.0.0/24 added, seen as 10.73.5.0/24\n"},
    {"single addresses of mapped prefixes",
     [](DesiredState& s) {
       s.peers[1].remote.push_back({"10.0.3.4", "10.72.0.1"});
       s.peers[1].local.push_back({"10.244.9.9", "10.99.0.1"});
     },
     "peers[topix].remote: 10.0.3.4/32 added, seen as 10.72.0.1/32; flows with 10.72.3.4/32 end; flows with what was "
     "10.72.0.1/32 end\n"
     "peers[topix].local: 10.244.9.9/32 added, shown as 10.99.0.1/32; flows with 10.91.9.9/32 end\n"},
    {"exceptions",
     [](DesiredState& s) {
       s.peers[0].remote[0].except = {"10.244.255.0/24"};
       s.peers[1].local[0].except = {"10.244.9.9"};
       s.peers[1].others_seen_as.clear();
     },
     "peers[netlab].remote: 10.244.255.0/24 excepted; its flows end\n"
     "peers[topix].local: 10.244.9.9/32 excepted; its flows end\n"
     "peers[topix].othersSeenAs: none instead of 10.70.0.0; its flows end\n"},
    {"local maps",
     [](DesiredState& s) {
       s.peers[0].local = {{"10.244.7.0/24", "10.8.7.0/24"}};
       s.peers[1].local.clear();
     },
     "peers[netlab].local: 10.244.7.0/24 added, shown as 10.8.7.0/24; flows with its own addresses end\n"
     "peers[topix].local: 10.244.0.0/16, shown as 10.91.0.0/16, removed; its flows end\n"},
};

TEST(Plan, SaysEveryChangeAndNothingElse) {
  for (const Change& change : kChanges) {
    DesiredState next = sample();
    change.change(next);
    EXPECT_EQ(words(sample(), next), change.words) << change.what;
  }
}

TEST(Plan, SaysWhatFewerLanesMean) {
  DesiredState before = sample();
  before.listen_ports = {51820, 443, 4500};
  before.peers[0].lanes = 3;
  before.peers[0].endpoint_ports = {51820, 53, 54};
  DesiredState after = before;
  after.peers[0].lanes = 2;
  EXPECT_EQ(words(before, after), "peers[netlab].lanes: 2 instead of 3; the others' sessions end\n");
  after.peers[0].endpoint_ports = {51820, 55, 54};
  EXPECT_EQ(words(before, after),
            "peers[netlab].lanes: 2 instead of 3; the others' sessions end\n"
            "peers[netlab].endpointPorts: 51820, 55 instead of 51820, 53, 54\n");
}

}  // namespace
}  // namespace isthmus::config
