#include "dataplane/config/wg_edit.h"

#include <gtest/gtest.h>

#include "dataplane/config/drift.h"
#include "dataplane/config/validate.h"
#include "test/unit/config/sample.h"

namespace isthmus::config {
namespace {

using Words = std::vector<std::string>;

tunnel::PublicKey key_of(const std::string& base64) { return tunnel::parse_key(base64).value(); }

tunnel::SecretKey secret(std::uint8_t byte) {
  tunnel::SecretKey key;
  key.bytes.fill(byte);
  return key;
}

tunnel::PublicKey stranger() {
  tunnel::PublicKey key;
  key.fill(0xa7);
  return key;
}

Ipv4Prefix prefix(const char* text) { return std::get<Ipv4Prefix>(parse_ipv4_prefix(text)); }

// The sample, changed with wg once or several times.
class WgEditTest : public testing::Test {
 protected:
  void change(const WgEdit& wanted) { edited = edit(document, edited.state, wanted); }
  void change(const WgPeerEdit& peer) { change(WgEdit{.peers = {peer}}); }
  Words drifted() const { return drift(document, edited.state); }
  bool valid() const { return std::holds_alternative<ValidatedConfig>(validate(edited.state)); }

  DesiredState document = sample();
  WgEdited edited{document, {}};
  const tunnel::PublicKey netlab = key_of(kKeyA);
  const tunnel::PublicKey topix = key_of(kKeyB);
};

TEST_F(WgEditTest, NothingWantedIsNothingChanged) {
  change(WgEdit{});
  change(WgPeerEdit{.public_key = netlab});
  change(WgPeerEdit{.public_key = stranger(), .update_only = true, .endpoint = parse_endpoint("192.0.2.9:1")});
  EXPECT_EQ(edited.state, document);
  change(WgPeerEdit{.public_key = stranger(), .remove = true});
  EXPECT_EQ(edited.state, document);
  EXPECT_TRUE(edited.preshared_keys.empty());
  EXPECT_EQ(drifted(), Words{});
}

TEST_F(WgEditTest, PeersFieldsAreSetAndSetBack) {
  change(WgPeerEdit{.public_key = netlab, .endpoint = parse_endpoint("192.0.2.9:51820"), .persistent_keepalive = 0});
  EXPECT_EQ(drifted(), (Words{"peers[netlab].endpoint: 192.0.2.9:51820 instead of 192.0.2.2:51820, set with wg",
                              "peers[netlab].persistentKeepalive: 0 instead of 25, set with wg"}));
  EXPECT_TRUE(valid());
  change(WgPeerEdit{.public_key = netlab, .endpoint = parse_endpoint("192.0.2.2:51820"), .persistent_keepalive = 25});
  EXPECT_EQ(edited.state, document);
  change(WgPeerEdit{.public_key = topix, .endpoint = parse_endpoint("[2001:db8::1]:7")});
  EXPECT_EQ(drifted(), Words{"peers[topix].endpoint: [2001:db8::1]:7 instead of none, set with wg"});
}

TEST_F(WgEditTest, TheDocumentsWayToWriteAnEndpointStays) {
  document.peers[0].endpoint = "[2001:DB8:0:0::2]:51820";
  edited.state = document;
  change(WgPeerEdit{.public_key = netlab, .endpoint = parse_endpoint("[2001:db8::2]:51820")});
  EXPECT_EQ(edited.state, document);
  change(WgPeerEdit{.public_key = netlab, .endpoint = parse_endpoint("[2001:db8::3]:51820")});
  EXPECT_EQ(drifted().size(), 1U);
  change(WgPeerEdit{.public_key = netlab, .endpoint = parse_endpoint("[2001:db8::2]:51820")});
  EXPECT_EQ(drifted(), Words{});
}

TEST_F(WgEditTest, PresharedKeysAreOnlyTold) {
  change(WgPeerEdit{.public_key = netlab, .preshared_key = secret(9)});
  EXPECT_EQ(edited.state, document);
  ASSERT_EQ(edited.preshared_keys.size(), 1U);
  EXPECT_EQ(edited.preshared_keys.at("netlab"), secret(9));
}

TEST_F(WgEditTest, PortIsTheFirstLanes) {
  change(WgEdit{.listen_port = 7000});
  EXPECT_EQ(edited.state.listen_port, 7000);
  EXPECT_EQ(drifted(), Words{"tunnel.listenPort: 7000 instead of 51820, set with wg"});
  EXPECT_TRUE(valid());
  document.listen_port = 6000;
  document.listen_ports = {6000, 6005};
  edited.state = document;
  change(WgEdit{.listen_port = 7000});
  EXPECT_EQ(edited.state.listen_ports, (std::vector<std::int64_t>{7000, 6005}));
  EXPECT_EQ(drifted(), Words{"tunnel.listenPort: 7000 instead of 6000, set with wg"});
  EXPECT_TRUE(valid());
  change(WgEdit{.listen_port = 6000});
  EXPECT_EQ(drifted(), Words{});
}

TEST_F(WgEditTest, EndpointIsTheFirstLanes) {
  document.peers[0].lanes = 2;
  document.peers[0].endpoint_ports = {51820, 40000};
  edited.state = document;
  change(WgPeerEdit{.public_key = netlab, .endpoint = parse_endpoint("192.0.2.9:7")});
  EXPECT_EQ(edited.state.peers[0].endpoint_ports, (std::vector<std::int64_t>{7, 40000}));
  EXPECT_TRUE(valid());
  // Taken away and brought back by someone who knows of no lanes.
  change(WgEdit{.replace_peers = true, .peers = {{.public_key = netlab}}});
  EXPECT_TRUE(edited.state.peers[0].endpoint_ports.empty());
  change(WgPeerEdit{.public_key = netlab, .endpoint = parse_endpoint("192.0.2.2:51820")});
  EXPECT_EQ(edited.state.peers[0].endpoint_ports, document.peers[0].endpoint_ports);
}

TEST_F(WgEditTest, AllowedIpsAreRealPrefixes) {
  change(WgPeerEdit{.public_key = topix, .allowed_ips = {{prefix("10.199.0.0/16")}, {prefix("10.5.0.0/24")}}});
  const std::vector<DesiredMap> added = {
      {"10.0.0.0/16", "10.72.0.0/16"}, {"10.5.0.0/24", "10.73.5.0/24"}, {"10.199.0.0/16", "10.199.0.0/16"}};
  EXPECT_EQ(edited.state.peers[1].remote, added);
  EXPECT_EQ(drifted(), Words{"peers[topix].remote: 10.199.0.0/16 added with wg"});
  EXPECT_TRUE(valid());

  change(
      WgPeerEdit{.public_key = topix, .allowed_ips = {{prefix("10.199.0.0/16"), true}, {prefix("10.0.0.0/16"), true}}});
  EXPECT_EQ(edited.state.peers[1].remote, (std::vector<DesiredMap>{{"10.5.0.0/24", "10.73.5.0/24"}}));
  EXPECT_EQ(drifted(), Words{"peers[topix].remote: 10.0.0.0/16, seen as 10.72.0.0/16, removed with wg"});

  change(WgPeerEdit{.public_key = topix,
                    .replace_allowed_ips = true,
                    .allowed_ips = {{prefix("10.5.0.0/24")}, {prefix("10.0.0.0/16")}}});
  EXPECT_EQ(edited.state, document) << "what comes back is seen as before, and stands where it stood";
}

TEST_F(WgEditTest, LastWordOnAnAllowedIpCounts) {
  const Ipv4Prefix ip = prefix("10.199.0.0/16");
  change(WgPeerEdit{.public_key = topix, .allowed_ips = {{ip}, {ip, true}}});
  EXPECT_EQ(edited.state, document);
  change(WgPeerEdit{.public_key = topix, .allowed_ips = {{ip, true}, {ip}, {ip}}});
  EXPECT_EQ(edited.state.peers[1].remote.size(), 3U);
}

TEST_F(WgEditTest, AViewThatClashesIsRefusedAsInADocument) {
  change(WgPeerEdit{.public_key = topix, .allowed_ips = {{prefix("10.244.0.0/16")}}});  // our own pods
  EXPECT_FALSE(valid());
}

TEST_F(WgEditTest, NewPeerIsCalledAfterItsKey) {
  change(WgPeerEdit{.public_key = stranger(),
                    .preshared_key = secret(4),
                    .endpoint = parse_endpoint("192.0.2.9:7"),
                    .allowed_ips = {{prefix("10.199.0.0/16")}}});
  ASSERT_EQ(edited.state.peers.size(), 3U);
  EXPECT_EQ(edited.state.peers[2], (DesiredPeer{.name = "wg-a7a7a7a7",
                                                .public_key = tunnel::to_base64(stranger()),
                                                .endpoint = "192.0.2.9:7",
                                                .remote = {{"10.199.0.0/16", "10.199.0.0/16"}}}));
  EXPECT_EQ(edited.preshared_keys.at("wg-a7a7a7a7"), secret(4));
  EXPECT_EQ(drifted(), Words{"peers[wg-a7a7a7a7]: added with wg"});
  EXPECT_TRUE(valid());
  change(WgPeerEdit{.public_key = stranger(), .remove = true});
  EXPECT_EQ(edited.state, document);
}

TEST_F(WgEditTest, NewPeerWithoutAllowedIpsIsNoPeer) {
  change(WgPeerEdit{.public_key = stranger(), .endpoint = parse_endpoint("192.0.2.9:7")});
  const auto validated = validate(edited.state);
  ASSERT_TRUE(std::holds_alternative<ConfigErrors>(validated));
  EXPECT_EQ(std::get<ConfigErrors>(validated)[0].path, "peers[2].remote");
}

TEST_F(WgEditTest, TwoKeysThatBeginAlikeDoNotHideEachOther) {
  tunnel::PublicKey other = stranger();
  other[31] = 1;
  change(WgEdit{.peers = {{.public_key = stranger(), .allowed_ips = {{prefix("10.199.0.0/16")}}},
                          {.public_key = other, .allowed_ips = {{prefix("10.198.0.0/16")}}}}});
  EXPECT_EQ(edited.state.peers.size(), 4U);
  EXPECT_FALSE(valid()) << "two peers of one name";
}

TEST_F(WgEditTest, RemovedPeerComesBackUnderItsName) {
  change(WgPeerEdit{.public_key = netlab, .remove = true});
  ASSERT_EQ(edited.state.peers.size(), 1U);
  EXPECT_EQ(drifted(), Words{"peers[netlab]: removed with wg"});
  EXPECT_TRUE(valid());
  change(WgPeerEdit{.public_key = netlab,
                    .preshared_key = secret(4),
                    .endpoint = parse_endpoint("192.0.2.2:51820"),
                    .persistent_keepalive = 25,
                    .allowed_ips = {{prefix("10.244.0.0/16")}}});
  EXPECT_EQ(edited.state, document);
  EXPECT_EQ(edited.preshared_keys.at("netlab"), secret(4));
}

TEST_F(WgEditTest, APeerThatComesBackHasOnlyWhatIsSaidOfIt) {
  change(WgEdit{.peers = {{.public_key = topix, .remove = true},
                          {.public_key = topix, .allowed_ips = {{prefix("10.5.0.0/24")}}}}});
  EXPECT_EQ(edited.state.peers[1].remote, (std::vector<DesiredMap>{{"10.5.0.0/24", "10.73.5.0/24"}}));
  EXPECT_EQ(edited.state.peers[1].mtu, document.peers[1].mtu);
  EXPECT_EQ(edited.state.peers[1].local, document.peers[1].local);
}

// What `wg showconf` tells and `wg setconf` says again.
TEST_F(WgEditTest, ReplacingAllByTheSameChangesNothing) {
  document.peers[1].lanes = 3;
  edited.state = document;
  const WgEdit same{.listen_port = 51820,
                    .replace_peers = true,
                    .peers = {{.public_key = topix,
                               .replace_allowed_ips = true,
                               .allowed_ips = {{prefix("10.5.0.0/24")}, {prefix("10.0.0.0/16")}}},
                              {.public_key = netlab,
                               .preshared_key = secret(1),
                               .endpoint = parse_endpoint("192.0.2.2:51820"),
                               .persistent_keepalive = 25,
                               .allowed_ips = {{prefix("10.244.0.0/16")}}}}};
  change(same);
  EXPECT_EQ(edited.state, document);
  EXPECT_EQ(edited.preshared_keys.at("netlab"), secret(1));
  EXPECT_EQ(edited.preshared_keys.at("topix"), secret(0)) << "it said nothing of one";
}

TEST_F(WgEditTest, ReplacedPeersLoseWhatIsNotSaidAgain) {
  change(WgEdit{.replace_peers = true, .peers = {{.public_key = netlab, .allowed_ips = {{prefix("10.244.0.0/16")}}}}});
  EXPECT_EQ(drifted(), (Words{"peers[netlab].endpoint: none instead of 192.0.2.2:51820, set with wg",
                              "peers[netlab].persistentKeepalive: 0 instead of 25, set with wg",
                              "peers[topix]: removed with wg"}));
  EXPECT_TRUE(valid());
}

}  // namespace
}  // namespace isthmus::config
