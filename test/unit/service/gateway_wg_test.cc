// What `wg` reads and changes.

#include <sstream>

#include "dataplane/service/gateway.h"
#include "test/unit/service/two_gateways.h"

namespace isthmus::service {
namespace {

std::string hex_key(const std::string& base64) { return config::to_hex(*tunnel::parse_key(base64)); }

std::string wg(Gateway& gateway, const std::string& request) {
  return std::string(std::string_view(gateway.answer_wg(request + "\n")));
}

std::string lines_of(const std::string& text, const std::string& key) {
  std::string found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + "=")) found += (found.empty() ? "" : " ") + line.substr(key.size() + 1);
  }
  return found;
}

using Drift = std::vector<std::string>;

TEST_F(TwoGateways, WgReadsTheDevice) {
  EXPECT_EQ(wg(a.gateway, "get=1\n"), "errno=-19\n\n") << "no document, no device";
  a.document.peers[0].persistent_keepalive = 25;
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const std::string device = wg(a.gateway, "get=1\n");
  tunnel::PublicKey own;
  own.fill(1);
  EXPECT_EQ(lines_of(device, "private_key"), config::to_hex(own));
  EXPECT_EQ(lines_of(device, "listen_port"), "51820");
  EXPECT_EQ(lines_of(device, "public_key"), hex_key(a.document.peers[0].public_key));
  EXPECT_EQ(lines_of(device, "preshared_key"), std::string(64, '0'));
  EXPECT_EQ(lines_of(device, "endpoint"), "192.0.2.2:51820");
  EXPECT_EQ(lines_of(device, "persistent_keepalive_interval"), "25");
  EXPECT_EQ(lines_of(device, "allowed_ip"), "10.244.0.0/16");
  EXPECT_EQ(lines_of(device, "last_handshake_time_sec"), "1700000000");
  EXPECT_EQ(lines_of(device, "tx_bytes"), std::to_string(status(a).peers[0].transmit_bytes));
  EXPECT_EQ(lines_of(device, "rx_bytes"), std::to_string(status(a).peers[0].receive_bytes));
  EXPECT_GT(status(a).peers[0].transmit_bytes, 148U);
  EXPECT_EQ(lines_of(device, "errno"), "0");
}

TEST_F(TwoGateways, WhatWgSetsIsDriftUntilTheNextDocument) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const config::Status before = status(a);
  EXPECT_EQ(before.drift, Drift{});
  const std::string peer = "set=1\npublic_key=" + hex_key(a.document.peers[0].public_key) + "\n";
  EXPECT_EQ(wg(a.gateway, peer + "endpoint=192.0.2.9:51820\npersistent_keepalive_interval=5\npreshared_key=" +
                              std::string(64, '7') + "\n"),
            "errno=0\n\n");
  EXPECT_EQ(status(a).drift,
            (Drift{"peers[b].endpoint: 192.0.2.9:51820 instead of 192.0.2.2:51820, set with wg",
                   "peers[b].persistentKeepalive: 5 instead of 0, set with wg", "peers[b].presharedKey: set with wg"}));
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.9:51820");
  EXPECT_EQ(lines_of(wg(a.gateway, "get=1\n"), "preshared_key"), std::string(64, '7'));
  EXPECT_EQ(*a.gateway.handle({.method = config::Method::kState}).state, a.document) << "the document is as it was";

  EXPECT_TRUE(apply(a).changed) << "the unchanged document replaces it";
  EXPECT_EQ(status(a).drift, Drift{});
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_EQ(lines_of(wg(a.gateway, "get=1\n"), "preshared_key"), std::string(64, '0'));
  EXPECT_FALSE(apply(a).changed);
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(delivered.size(), 2U) << "the session lived through all of it";
  EXPECT_EQ(status(a).peers[0].last_handshake_seconds, before.peers[0].last_handshake_seconds);
}

TEST_F(TwoGateways, WgChangesKeysOfBothSidesWithoutLoss) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  tunnel::SecretKey fresh;
  fresh.bytes.fill(0x33);
  ASSERT_EQ(wg(a.gateway, "set=1\nprivate_key=" + config::to_hex(fresh.bytes) + "\n"), "errno=0\n\n");
  EXPECT_EQ(status(a).drift, Drift{"privateKey: set with wg"});
  EXPECT_EQ(status(a).public_key, tunnel::to_base64(tunnel::public_key_of(fresh)));
  pod_sends(a, kPing);
  settle();
  b.document.peers[0].public_key = tunnel::to_base64(tunnel::public_key_of(fresh));
  ASSERT_TRUE(apply(b).changed);
  pass(1s);
  pod_sends(a, kPing);
  pass(10s);
  EXPECT_EQ(delivered.size(), 3U);
  EXPECT_FALSE(status(a).peers[0].rotating);
}

TEST_F(TwoGateways, WgBringsAPeerAndTakesItAway) {
  const std::vector<config::DesiredPeer> peers = std::exchange(a.document.peers, {});
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  const std::string key = hex_key(peers[0].public_key);
  // Its pods are seen here as themselves, so they cannot be where ours are.
  b.document.peers[0].local = {{"10.244.0.0/16", "10.62.0.0/16"}};
  ASSERT_TRUE(apply(b).changed);
  ASSERT_EQ(wg(a.gateway, "set=1\npublic_key=" + key + "\nendpoint=192.0.2.2:51820\nallowed_ip=10.62.0.0/16\n"),
            "errno=0\n\n");
  EXPECT_EQ(status(a).drift, Drift{"peers[wg-" + key.substr(0, 8) + "]: added with wg"});
  pod_sends(a, PacketBuilder(kPing).ipv4("10.244.1.5", "10.62.2.7"));
  settle();
  EXPECT_EQ(delivered.size(), 1U);
  ASSERT_EQ(wg(a.gateway, "set=1\npublic_key=" + key + "\nremove=true\n"), "errno=0\n\n");
  EXPECT_EQ(status(a).drift, Drift{});
  EXPECT_TRUE(status(a).peers.empty());
  EXPECT_FALSE(apply(a).changed) << "nothing is left of it";
}

TEST_F(TwoGateways, WgSaysAgainWhatItReadAndNothingHappens) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const std::string device = wg(a.gateway, "get=1\n");
  std::string again = "set=1\nprivate_key=" + lines_of(device, "private_key") + "\nlisten_port=51820\nfwmark=0\n" +
                      "replace_peers=true\n";
  for (const char* key : {"public_key", "preshared_key", "endpoint", "allowed_ip"}) {
    again += key + ("=" + lines_of(device, key)) + "\n";
  }
  const std::uint64_t sent = status(a).peers[0].transmit_bytes;
  EXPECT_EQ(wg(a.gateway, again), "errno=0\n\n");
  settle();
  EXPECT_EQ(status(a).drift, Drift{});
  EXPECT_EQ(status(a).peers[0].transmit_bytes, sent);
  EXPECT_FALSE(apply(a).changed);
}

TEST_F(TwoGateways, WrongWordsOfWgChangeNothing) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  const std::string peer = "set=1\npublic_key=" + hex_key(a.document.peers[0].public_key) + "\n";
  const std::string stranger = "set=1\npublic_key=" + std::string(64, '5') + "\n";
  tunnel::SecretKey own;
  own.bytes.fill(1);
  tunnel::SecretKey theirs;
  theirs.bytes.fill(2);
  const std::vector<std::string> refused = {
      "",
      "nonsense\n",
      "set=1\nlisten_port=0\n",
      "set=1\nprivate_key=" + std::string(64, '0') + "\n",
      "set=1\nprivate_key=" + config::to_hex(theirs.bytes) + "\n",  // the peer's own
      peer + "endpoint=127.0.0.1:1\n",
      peer + "replace_allowed_ips=true\n",
      peer + "allowed_ip=10.244.0.0/15\n",
      peer + "allowed_ip=0.0.0.0/0\n",
      stranger,
      stranger + "endpoint=192.0.2.2:51820\nallowed_ip=10.99.0.0/16\n",  // b is there
      "set=1\npublic_key=" + config::to_hex(tunnel::public_key_of(own)) + "\nallowed_ip=10.99.0.0/16\n",
      "set=1\npublic_key=" + std::string(64, '0') + "\nallowed_ip=10.99.0.0/16\n",
      peer + "persistent_keepalive_interval=9\npublic_key=" + std::string(64, '5') + "\n",  // the first half is right
  };
  for (const std::string& request : refused) {
    const std::string answer = wg(a.gateway, request);
    EXPECT_TRUE(answer == "errno=-22\n\n" || answer == "errno=-71\n\n") << request << answer;
  }
  EXPECT_EQ(wg(a.gateway, peer + "allowed_ip=2001:db8::/32\n"), "errno=-97\n\n");
  EXPECT_EQ(status(a).drift, Drift{});
  EXPECT_FALSE(apply(a).changed);
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(delivered.size(), 1U);
}

TEST_F(TwoGateways, WgCallsAPeerBackThatHasRoamed) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  // b is seen to come from another port.
  pod_sends(b, PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").udp(1, 2));
  b.document.listen_port = 51999;
  ASSERT_TRUE(apply(b).changed);
  pod_sends(b, PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").udp(1, 2));
  settle();
  ASSERT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51999");
  ASSERT_EQ(
      wg(a.gateway, "set=1\npublic_key=" + hex_key(a.document.peers[0].public_key) + "\nendpoint=192.0.2.2:51820\n"),
      "errno=0\n\n");
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_EQ(status(a).drift, Drift{});
}

TEST_F(TwoGateways, ServesWgUnderTheClustersName) {
  const std::filesystem::path wg_directory = directory / "wireguard";
  a.document.name = "crownlabs";
  a.gateway.serve_wg(wg_directory);
  EXPECT_FALSE(std::filesystem::exists(wg_directory));
  ASSERT_TRUE(apply(a).changed);
  EXPECT_TRUE(std::filesystem::is_socket(wg_directory / "isthmus-crownla.sock"));
  EXPECT_EQ(std::filesystem::status(wg_directory).permissions(), std::filesystem::perms::owner_all);
  a.document.name = "netlab";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_TRUE(std::filesystem::is_socket(wg_directory / "isthmus-netlab.sock"));
  EXPECT_FALSE(std::filesystem::exists(wg_directory / "isthmus-crownla.sock"));
  // Two of one name: the second works without, and gets its turn.
  b.document.name = "netlab";
  b.gateway.serve_wg(wg_directory);
  EXPECT_TRUE(apply(b).changed);
  a.document.name = "crownlabs";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_FALSE(std::filesystem::exists(wg_directory / "isthmus-netlab.sock"));
  EXPECT_FALSE(apply(b).changed);
  EXPECT_TRUE(std::filesystem::exists(wg_directory / "isthmus-netlab.sock"));
}

TEST_F(TwoGateways, WorksWithoutAPlaceForWg) {
  std::ofstream(directory / "file") << "no directory";
  a.gateway.serve_wg(directory / "file" / "wireguard");
  EXPECT_TRUE(apply(a).changed);
  b.gateway.serve_wg("");
  EXPECT_TRUE(apply(b).changed);
}

}  // namespace
}  // namespace isthmus::service
