#include "dataplane/config/wg_protocol.h"

#include <gtest/gtest.h>

#include "test/support/packet_builder.h"

namespace isthmus::config {
namespace {

using test::ip4;

std::string hex_of(char digit) { return std::string(64, digit); }

std::array<std::uint8_t, tunnel::kKeySize> bytes_of(std::uint8_t byte) {
  std::array<std::uint8_t, tunnel::kKeySize> bytes;
  bytes.fill(byte);
  return bytes;
}

WgEdit edit_of(const std::string& lines) {
  const auto parsed = parse_wg_request("set=1\n" + lines + "\n");
  if (const auto* error = std::get_if<WgError>(&parsed)) ADD_FAILURE() << error->why;
  return std::holds_alternative<WgEdit>(parsed) ? std::get<WgEdit>(parsed) : WgEdit{};
}

// "number why"
std::string error_of(const std::string& request) {
  const auto parsed = parse_wg_request(request);
  const auto* error = std::get_if<WgError>(&parsed);
  return error != nullptr ? std::to_string(error->number) + " " + error->why : "accepted";
}

std::string error_in(const std::string& lines) { return error_of("set=1\n" + lines + "\n\n"); }

TEST(WgProtocol, ReadsEverythingOfADevice) {
  const WgEdit edit = edit_of("private_key=" + hex_of('a') + "\nlisten_port=65535\nfwmark=0\nreplace_peers=true\n");
  ASSERT_TRUE(edit.private_key);
  EXPECT_EQ(edit.private_key->bytes, bytes_of(0xaa));
  EXPECT_EQ(edit.listen_port, 65535);
  EXPECT_TRUE(edit.replace_peers);
  EXPECT_TRUE(edit.peers.empty());
  EXPECT_EQ(edit_of(""), WgEdit{});
}

TEST(WgProtocol, KeysAreReadFromTheLeft) {
  const WgEdit edit = edit_of("public_key=0123456789abcdefABCDEF" + std::string(42, '0') + "\n");
  const tunnel::PublicKey key = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xab, 0xcd, 0xef};
  EXPECT_EQ(edit.peers[0].public_key, key);
}

TEST(WgProtocol, ReadsEverythingOfAPeer) {
  const WgEdit edit = edit_of("public_key=" + hex_of('1') + "\nupdate_only=true\npreshared_key=" + hex_of('B') +
                              "\nendpoint=[2001:db8::1]:7\npersistent_keepalive_interval=0\nprotocol_version=1\n"
                              "replace_allowed_ips=true\nallowed_ip=10.1.2.3/16\nallowed_ip=-10.2.0.0/24\n"
                              "public_key=" +
                              hex_of('2') + "\nremove=true\n");
  ASSERT_EQ(edit.peers.size(), 2U);
  const WgPeerEdit& first = edit.peers[0];
  EXPECT_EQ(first.public_key, bytes_of(0x11));
  EXPECT_TRUE(first.update_only);
  EXPECT_FALSE(first.remove);
  ASSERT_TRUE(first.preshared_key);
  EXPECT_EQ(first.preshared_key->bytes, bytes_of(0xbb));
  EXPECT_EQ(first.endpoint, parse_endpoint("[2001:db8::1]:7"));
  EXPECT_EQ(first.persistent_keepalive, 0);
  EXPECT_TRUE(first.replace_allowed_ips);
  const std::vector<WgAllowedIp> ips = {{{ip4("10.1.0.0"), 16}, false}, {{ip4("10.2.0.0"), 24}, true}};
  EXPECT_EQ(first.allowed_ips, ips);
  EXPECT_EQ(edit.peers[1], (WgPeerEdit{.public_key = bytes_of(0x22), .remove = true}));
}

TEST(WgProtocol, ReplacingForgetsWhatCameBefore) {
  const WgEdit edit = edit_of("public_key=" + hex_of('1') +
                              "\nallowed_ip=10.1.0.0/16\nreplace_allowed_ips=true\nallowed_ip=10.2.0.0/16\n");
  ASSERT_EQ(edit.peers[0].allowed_ips.size(), 1U);
  EXPECT_EQ(edit.peers[0].allowed_ips[0].prefix, (Ipv4Prefix{ip4("10.2.0.0"), 16}));
}

TEST(WgProtocol, KnowsWhatIsAsked) {
  EXPECT_TRUE(std::holds_alternative<WgGet>(parse_wg_request("get=1\n\n")));
  EXPECT_TRUE(std::holds_alternative<WgGet>(parse_wg_request("get=1")));
  EXPECT_EQ(error_of("get=1\nprivate_key=" + hex_of('a') + "\n\n"), "22 nothing follows get=1");
  for (const char* wrong : {"", "\n", "get=2\n\n", "set=0\n\n", "listen_port=1\n\n", "GET / HTTP/1.1\r\n\r\n"}) {
    EXPECT_EQ(error_of(wrong), "71 line 1: neither get=1 nor set=1") << wrong;
  }
}

TEST(WgProtocol, RefusesWithTheLineAndNeverTheText) {
  const std::string peer = "public_key=" + hex_of('1') + "\n";
  const std::string secret = "0123456789abcdef";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"private_key=" + secret, "22 line 2: private_key is not 64 hexadecimal digits"},
      {"private_key=" + hex_of('g'), "22 line 2: private_key is not 64 hexadecimal digits"},
      {"private_key=" + hex_of('a') + "0", "22 line 2: private_key is not 64 hexadecimal digits"},
      {secret, "22 line 2: is nothing that can be set of a device"},
      {"privatekey=" + secret, "22 line 2: is nothing that can be set of a device"},
      {"allowed_ip=10.0.0.0/8", "22 line 2: is nothing that can be set of a device"},
      {"listen_port=65536", "22 line 2: listen_port is not a number from 0 to 65535"},
      {"listen_port=", "22 line 2: listen_port is not a number from 0 to 65535"},
      {"listen_port=-1", "22 line 2: listen_port is not a number from 0 to 65535"},
      {"listen_port=7 ", "22 line 2: listen_port is not a number from 0 to 65535"},
      {"fwmark=1", "22 line 2: fwmark: packets that never were the kernel's have no mark"},
      {"fwmark=", "22 line 2: fwmark: packets that never were the kernel's have no mark"},
      {"replace_peers=false", "22 line 2: replace_peers can only be true"},
      {"public_key=" + secret, "22 line 2: public_key is not 64 hexadecimal digits"},
      {peer + "private_key=" + hex_of('a'), "22 line 3: is nothing that can be set of a peer"},
      {peer + "preshared_key=" + secret, "22 line 3: preshared_key is not 64 hexadecimal digits"},
      {peer + "endpoint=example.com:1", "22 line 3: endpoint is not address:port"},
      {peer + "endpoint=192.0.2.1", "22 line 3: endpoint is not address:port"},
      {peer + "endpoint=[fe80::1%eth0]:1", "22 line 3: endpoint is not address:port"},
      {peer + "persistent_keepalive_interval=off", "22 line 3: the interval is not a number from 0 to 65535"},
      {peer + "allowed_ip=10.0.0.0", "22 line 3: allowed_ip is not address/length"},
      {peer + "allowed_ip=10.0.0.0/33", "22 line 3: allowed_ip is not address/length"},
      {peer + "allowed_ip=--10.0.0.0/8", "22 line 3: allowed_ip is not address/length"},
      {peer + "allowed_ip=2001:db8::/32", "97 line 3: allowed_ip: IPv6 prefixes are not supported yet"},
      {peer + "protocol_version=2", "22 line 3: protocol_version: there is only 1"},
      {peer + "remove=1", "22 line 3: remove can only be true"},
  };
  for (const auto& [lines, error] : cases) EXPECT_EQ(error_in(lines), error) << lines;
}

TEST(WgProtocol, TakesAsManyPeersAsASyncMayNeed) {
  std::string lines;
  for (std::size_t i = 0; i < kMaxWgPeers; ++i) lines += "public_key=" + hex_of('1') + "\nremove=true\n";
  EXPECT_EQ(edit_of(lines).peers.size(), kMaxWgPeers);
  EXPECT_EQ(error_in(lines + "public_key=" + hex_of('1')), "7 line 16386: more than 8192 peers");
}

TEST(WgProtocol, TakesAsManyAllowedIpsAsAServiceThreadCanBear) {
  std::string lines = "public_key=" + hex_of('1');
  for (std::size_t i = 0; i < kMaxWgAllowedIps; ++i) lines += "\nallowed_ip=10.0.0.0/8";
  EXPECT_EQ(edit_of(lines + "\n").peers[0].allowed_ips.size(), kMaxWgAllowedIps);
  EXPECT_EQ(error_in(lines + "\nallowed_ip=10.0.0.0/8"), "7 line 32771: too many allowed IPs for one request");
}

TEST(WgProtocol, TellsADeviceAsWgReadsIt) {
  WgDevice device{.listen_port = 51820};
  device.private_key.bytes = bytes_of(0xa0);
  WgPeer peer{.public_key = bytes_of(0x1b),
              .endpoint = "192.0.2.2:51820",
              .last_handshake_seconds = 1700000000,
              .received_bytes = 3,
              .sent_bytes = 18446744073709551615U,
              .persistent_keepalive = 25,
              .allowed_ips = {{ip4("10.244.0.0"), 16}, {ip4("10.9.9.9"), 32}}};
  peer.preshared_key.bytes = bytes_of(0xc3);
  device.peers = {peer, {.public_key = bytes_of(0x2c)}};
  std::string a0;
  std::string b1;
  std::string c3;
  std::string c2;
  for (int i = 0; i < 32; ++i) {
    a0 += "a0";
    b1 += "1b";
    c3 += "c3";
    c2 += "2c";
  }
  EXPECT_EQ(std::string_view(wg_answer(device)),
            "private_key=" + a0 + "\nlisten_port=51820\npublic_key=" + b1 + "\npreshared_key=" + c3 +
                "\nprotocol_version=1\nendpoint=192.0.2.2:51820\nlast_handshake_time_sec=1700000000\n"
                "last_handshake_time_nsec=0\ntx_bytes=18446744073709551615\nrx_bytes=3\n"
                "persistent_keepalive_interval=25\nallowed_ip=10.244.0.0/16\nallowed_ip=10.9.9.9/32\n"
                "public_key=" +
                c2 + "\npreshared_key=" + hex_of('0') +
                "\nprotocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\n"
                "persistent_keepalive_interval=0\nerrno=0\n\n");
}

TEST(WgProtocol, AnswersWithNegativeErrorNumbers) {
  EXPECT_EQ(std::string_view(wg_answer(0)), "errno=0\n\n");
  EXPECT_EQ(std::string_view(wg_answer(EINVAL)), "errno=-22\n\n");
}

}  // namespace
}  // namespace isthmus::config
