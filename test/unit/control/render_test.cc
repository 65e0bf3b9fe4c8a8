#include "control/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "control/text_table.h"
#include "control/units.h"

namespace isthmus::control {
namespace {

constexpr std::int64_t kNow = 1700000000;

config::Status sample_status() {
  config::Status status;
  status.version = "0.1.0";
  status.pid = 4711;
  status.started_seconds = kNow - 90000;
  status.generation = 2;
  status.name = "crownlabs";
  status.public_key = "Tm90IGEgcmVhbCBrZXksIGJ1dCAzMiBieXRlcy4uLjA=";
  status.aead = "avx2";
  status.memory = "hugepages";
  status.polling = "adaptive";
  status.listen_ports = {51820};
  status.ports = {{"cluster", "eth1", "02:00:00:00:00:01", {"10.244.0.1/16"}, true, 0},
                  {"underlay", "eth0", "02:00:00:00:00:02", {"192.0.2.1/24", "192.0.2.9/24"}, true, 1234}};
  config::PeerStatus netlab;
  netlab.name = "netlab";
  netlab.endpoint = "192.0.2.2:51820";
  netlab.connected = true;
  netlab.last_handshake_seconds = kNow - 42;
  netlab.receive_bytes = 1536;
  netlab.transmit_bytes = 3ULL << 30;
  netlab.lost_packets = 1234;
  netlab.remote = {{"10.244.0.0/16", "10.71.0.0/16"}, {"10.3.0.0/24", "10.73.0.0/24"}};
  config::PeerStatus topix;
  topix.name = "topix";
  status.peers = {netlab, topix};
  status.drops = {{"", "outbound", "route_to_peer", "no_route", "No peer has the destination.", 3},
                  {"netlab", "inbound", "open", "replayed", "It came before.", 1234567}};
  status.walks = {{"outbound", 1000, 2, 3, 990, 5, {{"kernel", 10}}}, {"inbound", 10, 0, 0, 8, 0, {}}};
  return status;
}

TEST(Render, Status) {
  EXPECT_EQ(render_status(sample_status(), kNow),
            R"(DEGRADED: crownlabs forwards, 1 of 2 peers connected; see `isthmusctl peers`

data plane   isthmus-dp 0.1.0, pid 4711, up 25 h, generation 2
forwarding   avx2, hugepages, adaptive polling
tunnels      UDP port 51820, public key Tm90IGEgcmVhbCBrZXksIGJ1dCAzMiBieXRlcy4uLjA=
peers        2 peers, 1 connected; down: topix (last handshake never)

PORT      DEVICE  KERNEL  MAC                MISSED  ADDRESSES
cluster   eth1    yes     02:00:00:00:00:01       0  10.244.0.1/16
underlay  eth0    yes     02:00:00:00:00:02   1 234  192.0.2.1/24
                                                     192.0.2.9/24

WALK      RECEIVED  ORIGINATED  RESUMED  TRANSMITTED  DROPPED  PUNTED  BALANCE
outbound     1 000           2        3          990        5      10  balanced
inbound         10           0        0            8        0       0  2 on their way
)");
}

TEST(Render, StatusShowsWhatWgChanged) {
  config::Status status = sample_status();
  status.drift = {"peers[netlab].endpoint: [2001:db8::9]:51820 instead of [2001:db8:1:2:3:4:5:6]:51820, set with wg",
                  "peers[topix].presharedKey: set with wg"};
  EXPECT_THAT(render_status(status, kNow), testing::HasSubstr(R"(
peers        2 peers, 1 connected; down: topix (last handshake never)
drift        2 differences from the document; `isthmusctl apply FILE` ends them
- peers[netlab].endpoint: [2001:db8::9]:51820 instead of [2001:db8:1:2:3:4:5:6]:51820, set with wg
- peers[topix].presharedKey: set with wg

PORT )"));
}

TEST(Render, Peers) {
  EXPECT_EQ(render_peers(sample_status(), kNow),
            R"(NAME    STATE  ENDPOINT         HANDSHAKE       RX       TX   LOST  SEEN HERE AS
netlab  up     192.0.2.2:51820       42 s  1.5 KiB  3.0 GiB  1 234  10.71.0.0/16
                                                                    10.73.0.0/24
topix   down   not known yet        never      0 B      0 B      0

topix has no endpoint here, so only it can begin; it must have ours and our public key
  Tm90IGEgcmVhbCBrZXksIGJ1dCAzMiBieXRlcy4uLjA=
)");
}

TEST(Render, PeersWithLanesAndNewKeys) {
  config::Status status = sample_status();
  status.peers.pop_back();
  status.peers[0].rotating = true;
  status.peers[0].lanes = {{51820, "192.0.2.2:51820", true, kNow - 42}, {51821, "", false, 0}};
  EXPECT_EQ(render_peers(status, kNow),
            R"(NAME      STATE  ENDPOINT         HANDSHAKE       RX       TX   LOST  SEEN HERE AS
netlab    up     192.0.2.2:51820       42 s  1.5 KiB  3.0 GiB  1 234  10.71.0.0/16
                                                                      10.73.0.0/24
  lane 0  up     192.0.2.2:51820       42 s
  lane 1  out    not known yet        never

netlab: its new keys wait for the other side to have them too; until their first handshake the old
  ones serve
)");
}

TEST(Render, PeersByName) {
  config::Status status = sample_status();
  status.peers[0].endpoint_name = "gw.netlab.example:51820";
  status.peers[1].endpoint_name = "gw.topix.example:51820";
  EXPECT_EQ(render_peers(status, kNow),
            R"(NAME    STATE  ENDPOINT               HANDSHAKE       RX       TX   LOST  SEEN HERE AS
netlab  up     192.0.2.2:51820             42 s  1.5 KiB  3.0 GiB  1 234  10.71.0.0/16
               gw.netlab.example:5..                                      10.73.0.0/24
topix   down   not resolved yet           never      0 B      0 B      0
               gw.topix.example:51..

topix: gw.topix.example:51820 is not resolved yet; check the name and the DNS server of isthmusd's
  pod
)");
  status.peers[0].connected = false;
  status.peers[0].name_trouble = "no answer within 5 s";
  status.peers.pop_back();
  const std::string text = render_peers(status, kNow);
  EXPECT_NE(text.find("\nnetlab: gw.netlab.example:51820 is not resolved at the moment (no answer within 5 s); check"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\nnetlab does not answer at 192.0.2.2:51820: is that"), std::string::npos) << text;
}

TEST(Render, Drops) {
  EXPECT_EQ(render_drops(sample_status()), R"(PEER    DIRECTION  STAGE          REASON      PACKETS
netlab  inbound    open           replayed  1 234 567
-       outbound   route_to_peer  no_route          3

no_route: No peer has the destination.
replayed: It came before.
)");
  EXPECT_EQ(render_drops({}), "no packet was dropped\n");
}

TEST(Render, SaysWhatToDoWhenNothingIsConfigured) {
  EXPECT_EQ(render_status({}, kNow).find("IDLE: "), 0U);
  EXPECT_NE(render_peers({}, kNow).find("isthmusctl apply"), std::string::npos);
}

TEST(Render, FitsTheTerminalWithTheLongestWords) {
  config::Status status = sample_status();
  config::PeerStatus& peer = status.peers[0];
  peer.name = std::string(63, 'n');
  peer.endpoint = "255.255.255.255:65535";
  peer.endpoint_name = std::string(63, 'h') + "." + std::string(63, 'h') + ".example:65535";
  peer.name_trouble = "Host not found (non-authoritative), try again later";
  peer.connected = false;
  peer.last_handshake_seconds = 1;
  peer.receive_bytes = peer.transmit_bytes = 1023ULL << 40;
  peer.lost_packets = std::numeric_limits<std::uint64_t>::max();
  peer.remote[0].seen_as = "100.100.100.100/32";
  status.drops[0] = {peer.name, "outbound", "resolve_next_hop", "destination_not_offered", std::string(300, 'x'),
                     1ULL << 40};
  status.drops[0].help =
      "What it means and what to look at, in one sentence that is rather long and has to be broken somewhere.";
  std::istringstream lines(render_peers(status, kNow) + render_drops(status) + render_status(status, kNow));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), kTerminalWidth) << line;
}

TEST(TextTable, ShrinksOneColumnToTheTerminal) {
  TextTable table({"NAME", "B"});
  table.add({std::string(40, 'n'), std::string(60, 'b')});
  table.shrink(0, 10);
  EXPECT_EQ(table.text(),
            "NAME" + std::string(36, ' ') + "B\n" + std::string(36, 'n') + "..  " + std::string(60, 'b') + "\n");
  table.shrink(0, 10);
  EXPECT_NE(table.text().find(std::string(36, 'n') + "..  b"), std::string::npos) << "what fits is left alone";
  TextTable hopeless({std::string(40, 'n'), std::string(120, 'b')});
  hopeless.shrink(0, 10);
  EXPECT_EQ(hopeless.text().find("nnnnnnnn..  b"), 0U);
}

TEST(Units, AreWhatPeopleRead) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(human_bytes(150 << 20), "150 MiB");
  EXPECT_EQ(human_bytes(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
  EXPECT_EQ(human_age(-5), "0 s");
  EXPECT_EQ(human_age(119), "119 s");
  EXPECT_EQ(human_age(120), "2 min");
  EXPECT_EQ(human_age(7200), "2 h");
  EXPECT_EQ(human_age(172800), "2 d");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1000), "1 000");
  EXPECT_EQ(human_count(1234567), "1 234 567");
  EXPECT_EQ(short_count(0), "0");
  EXPECT_EQ(short_count(9999), "9 999");
  EXPECT_EQ(short_count(10'000), "10.0 k");
  EXPECT_EQ(short_count(999'499), "999 k");
  EXPECT_EQ(short_count(999'501), "1.0 M");
  EXPECT_EQ(short_count(std::numeric_limits<std::uint64_t>::max()), "18.4 E");
}

}  // namespace
}  // namespace isthmus::control
