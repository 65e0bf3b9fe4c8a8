#include "control/metrics.h"

#include <gtest/gtest.h>
#include <stdio.h>
#include <unistd.h>

#include <fstream>

#include "control/counter_continuity.h"
#include "control/metrics_writer.h"

namespace isthmus::control {
namespace {

config::Status sample_status() {
  config::Status status;
  status.pid = 1;
  status.started_seconds = 100;
  status.generation = 3;
  status.aead = "avx2";
  status.memory = "hugepages";
  status.polling = "adaptive";
  status.drift = {"one", "another"};
  config::PeerStatus netlab;
  netlab.name = "netlab";
  netlab.connected = true;
  netlab.last_handshake_seconds = 1700000000;
  netlab.receive_bytes = 11;
  netlab.transmit_bytes = 12;
  netlab.outbound_packets = 13;
  netlab.outbound_bytes = 14;
  netlab.inbound_packets = 15;
  netlab.inbound_bytes = 16;
  netlab.held_packets = 17;
  netlab.memory_bytes = 6144;
  netlab.rotating = true;
  netlab.lanes = {{51820, "192.0.2.2:51820", true, 1700000000}, {51821, "", false, 0}};
  netlab.lost_packets = 27;
  netlab.duplicate_packets = 28;
  netlab.reordered_packets = 29;
  status.peers = {netlab};
  status.drops = {{"", "outbound", "route_to_peer", "no_route", "help", 18},
                  {"netlab", "inbound", "open", "replayed", "help", 19}};
  status.ports = {{"cluster", "eth1", "02:00:00:00:00:01", {}, true, 61},
                  {"underlay", "eth0", "02:00:00:00:00:02", {}, true, 62}};
  status.walks = {{"outbound", 20, 21, 22, 23, 24, {{"kernel", 25}}}};
  status.handshakes = {{"completed", 26}};
  return status;
}

constexpr const char* kGolden =
    R"(# HELP isthmus_data_plane_up 1 when the data plane answers; the other values are old when it does not.
# TYPE isthmus_data_plane_up gauge
isthmus_data_plane_up 1
# HELP isthmus_data_plane_restarts_total How often isthmusd had to start the data plane again.
# TYPE isthmus_data_plane_restarts_total counter
isthmus_data_plane_restarts_total 2
# HELP isthmus_config_last_apply_successful 1 when the newest document was taken, 0 when it was refused.
# TYPE isthmus_config_last_apply_successful gauge
isthmus_config_last_apply_successful 1
# HELP isthmus_build_info The control daemon's release.
# TYPE isthmus_build_info gauge
isthmus_build_info{version="VERSION"} 1
# HELP isthmus_config_generation How many documents the data plane has taken; 0: none yet.
# TYPE isthmus_config_generation gauge
isthmus_config_generation 3
# HELP isthmus_config_drift In how many things wg has changed what runs since the last document; the next one ends it.
# TYPE isthmus_config_drift gauge
isthmus_config_drift 2
# HELP isthmus_data_plane_info How the data plane runs.
# TYPE isthmus_data_plane_info gauge
isthmus_data_plane_info{aead="avx2",memory="hugepages",polling="adaptive"} 1
# HELP liqo_peer_receive_bytes_total Number of bytes received from a given peer.
# TYPE liqo_peer_receive_bytes_total counter
liqo_peer_receive_bytes_total{driver="wireguard",cluster_id="netlab"} 11
# HELP liqo_peer_transmit_bytes_total Number of bytes transmitted to a given peer.
# TYPE liqo_peer_transmit_bytes_total counter
liqo_peer_transmit_bytes_total{driver="wireguard",cluster_id="netlab"} 12
# HELP liqo_peer_is_connected Status of the connectivity to a given peer (true = Liqo tunnel is up and gateways are pinging each other).
# TYPE liqo_peer_is_connected gauge
liqo_peer_is_connected{driver="wireguard",cluster_id="netlab"} 1
# HELP liqo_wireguard_implementation Wireguard used implementation
# TYPE liqo_wireguard_implementation gauge
liqo_wireguard_implementation{driver="wireguard",implementation="dpdk"} 1
# HELP isthmus_packets_total Inner packets: outbound are sealed and sent to the peer, inbound are delivered to the cluster.
# TYPE isthmus_packets_total counter
isthmus_packets_total{cluster_id="netlab",direction="outbound"} 13
isthmus_packets_total{cluster_id="netlab",direction="inbound"} 15
# HELP isthmus_bytes_total Bytes of the inner packets that isthmus_packets_total counts.
# TYPE isthmus_bytes_total counter
isthmus_bytes_total{cluster_id="netlab",direction="outbound"} 14
isthmus_bytes_total{cluster_id="netlab",direction="inbound"} 16
# HELP isthmus_held_packets Packets that wait for a session or a neighbour's address.
# TYPE isthmus_held_packets gauge
isthmus_held_packets{cluster_id="netlab"} 17
# HELP isthmus_peer_memory_bytes Memory that the data plane keeps of the peer: counters, lanes, keys, sessions and maps.
# TYPE isthmus_peer_memory_bytes gauge
isthmus_peer_memory_bytes{cluster_id="netlab"} 6144
# HELP isthmus_peer_last_handshake_seconds Unix time of the newest session's handshake; 0 when there was none.
# TYPE isthmus_peer_last_handshake_seconds gauge
isthmus_peer_last_handshake_seconds{cluster_id="netlab"} 1700000000
# HELP isthmus_peer_lost_packets_total WireGuard messages that the peer sealed and that did not arrive within a second, by their counters. The other direction is what the peer's own gateway counts as inbound.
# TYPE isthmus_peer_lost_packets_total counter
isthmus_peer_lost_packets_total{cluster_id="netlab",direction="inbound"} 27
# HELP isthmus_peer_duplicate_packets_total WireGuard messages of the peer's that arrived once more. The other direction is what the peer's own gateway counts as inbound.
# TYPE isthmus_peer_duplicate_packets_total counter
isthmus_peer_duplicate_packets_total{cluster_id="netlab",direction="inbound"} 28
# HELP isthmus_peer_reordered_packets_total WireGuard messages of the peer's that arrived behind one which was sent later. The other direction is what the peer's own gateway counts as inbound.
# TYPE isthmus_peer_reordered_packets_total counter
isthmus_peer_reordered_packets_total{cluster_id="netlab",direction="inbound"} 29
# HELP isthmus_lane_usable 1 when flows use this WireGuard session of the peer's, 0 when it is out.
# TYPE isthmus_lane_usable gauge
isthmus_lane_usable{cluster_id="netlab",lane="0"} 1
isthmus_lane_usable{cluster_id="netlab",lane="1"} 0
# HELP isthmus_peer_key_rotation_pending 1 while new keys wait for their first handshake and the old ones serve.
# TYPE isthmus_peer_key_rotation_pending gauge
isthmus_peer_key_rotation_pending{cluster_id="netlab"} 1
# HELP isthmus_drops_total Packets that died, by the peer they belonged to (empty: none was known yet), the stage and the reason.
# TYPE isthmus_drops_total counter
isthmus_drops_total{cluster_id="",direction="outbound",stage="route_to_peer",reason="no_route"} 18
isthmus_drops_total{cluster_id="netlab",direction="inbound",stage="open",reason="replayed"} 19
# HELP isthmus_walk_packets_total A walk's books: received + originated + resumed = transmitted + dropped + punted.
# TYPE isthmus_walk_packets_total counter
isthmus_walk_packets_total{direction="outbound",event="received"} 20
isthmus_walk_packets_total{direction="outbound",event="originated"} 21
isthmus_walk_packets_total{direction="outbound",event="resumed"} 22
isthmus_walk_packets_total{direction="outbound",event="transmitted"} 23
isthmus_walk_packets_total{direction="outbound",event="dropped"} 24
# HELP isthmus_port_missed_packets_total Frames that found a port's receive ring full, so that no worker has seen them.
# TYPE isthmus_port_missed_packets_total counter
isthmus_port_missed_packets_total{port="cluster"} 61
isthmus_port_missed_packets_total{port="underlay"} 62
# HELP isthmus_punts_total Packets that left a walk alive, by who took them.
# TYPE isthmus_punts_total counter
isthmus_punts_total{direction="outbound",punt="kernel"} 25
# HELP isthmus_handshakes_total Results of handshake messages.
# TYPE isthmus_handshakes_total counter
isthmus_handshakes_total{event="completed"} 26
)";

std::string text_of(const config::Status& status, bool up) {
  return metrics_text(
      {.status = &status, .data_plane_up = up, .data_plane_restarts = 2, .last_apply_successful = true});
}

TEST(Metrics, TextIsThis) {
  std::string golden = kGolden;
  golden.replace(golden.find("VERSION"), 7, ISTHMUS_VERSION);
  EXPECT_EQ(text_of(sample_status(), true), golden);
}

TEST(Metrics, NobodyIsConnectedThroughADataPlaneThatIsDown) {
  const std::string text = text_of(sample_status(), false);
  EXPECT_NE(text.find("\nisthmus_data_plane_up 0\n"), std::string::npos);
  EXPECT_NE(text.find("liqo_peer_is_connected{driver=\"wireguard\",cluster_id=\"netlab\"} 0\n"), std::string::npos);
  EXPECT_NE(text.find("liqo_peer_receive_bytes_total{driver=\"wireguard\",cluster_id=\"netlab\"} 11\n"),
            std::string::npos);
}

TEST(Metrics, WithoutAnyStatusTheDaemonStillTellsOfItself) {
  const std::string text = metrics_text({});
  EXPECT_NE(text.find("\nisthmus_data_plane_up 0\n"), std::string::npos);
  EXPECT_EQ(text.find("liqo_"), std::string::npos);
}

TEST(Metrics, PromtoolHasNoComplaint) {
  if (::system("command -v promtool > /dev/null") != 0) {
    GTEST_SKIP() << "promtool is not installed: the metrics were NOT checked by Prometheus' own program";
  }
  const std::string file = testing::TempDir() + "isthmus-metrics-" + std::to_string(::getpid());
  std::ofstream(file) << text_of(sample_status(), true);
  FILE* pipe = ::popen(("promtool check metrics < " + file + " 2>&1").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  for (int c = ::fgetc(pipe); c != EOF; c = ::fgetc(pipe)) said += static_cast<char>(c);
  EXPECT_EQ(::pclose(pipe), 0) << said;
  EXPECT_EQ(said, "");
  ::remove(file.c_str());
}

TEST(MetricsWriter, EscapesLabels) {
  MetricsWriter writer;
  writer.family("x", "gauge", "say \"hi\"\\\n");
  writer.sample(1, {{"a", "q\"b\\n\n"}});
  writer.sample(2);
  EXPECT_EQ(writer.take(), "# HELP x say \"hi\"\\\\\\n\n# TYPE x gauge\nx{a=\"q\\\"b\\\\n\\n\"} 1\nx 2\n");
}

TEST(CounterContinuity, GoesOnAfterARestart) {
  CounterContinuity continuity;
  EXPECT_EQ(continuity.absorb(sample_status()).peers[0].transmit_bytes, 12U);
  EXPECT_EQ(continuity.absorb(sample_status()).peers[0].transmit_bytes, 12U);

  config::Status reborn;  // no document yet
  reborn.pid = 2;
  const config::Status empty = continuity.absorb(reborn);
  EXPECT_TRUE(empty.peers.empty());

  config::Status next = sample_status();
  next.pid = 2;
  next.started_seconds = 0;
  next.peers[0].transmit_bytes = 5;
  next.drops.pop_back();  // the reason has not come up again
  next.drops[0].packets = 1;
  next.walks[0].received = 2;
  next.ports[1].missed = 4;
  const config::Status shown = continuity.absorb(next);
  EXPECT_EQ(shown.ports[1].missed, 66U);
  EXPECT_EQ(shown.peers[0].transmit_bytes, 17U);
  EXPECT_EQ(shown.peers[0].held_packets, 17U);  // a gauge
  EXPECT_EQ(shown.peers[0].lost_packets, 54U);
  EXPECT_EQ(shown.peers[0].duplicate_packets, 56U);
  EXPECT_EQ(shown.peers[0].reordered_packets, 58U);
  EXPECT_EQ(shown.drops.at(0).packets, 19U);
  EXPECT_EQ(shown.walks[0].received, 22U);
  EXPECT_EQ(shown.walks[0].punted[0].count, 50U);
  EXPECT_EQ(shown.handshakes[0].count, 52U);

  next.pid = 3;
  EXPECT_EQ(continuity.absorb(next).peers[0].transmit_bytes, 22U);
}

TEST(CounterContinuity, ReasonsOfEarlierDataPlanesStay) {
  CounterContinuity continuity;
  continuity.absorb(sample_status());
  config::Status next = sample_status();
  next.pid = 2;
  next.drops.clear();
  const config::Status shown = continuity.absorb(next);
  ASSERT_EQ(shown.drops.size(), 2U);
  EXPECT_EQ(shown.drops[0].packets, 18U);
  EXPECT_EQ(shown.drops[1].packets, 19U);
}

TEST(CounterContinuity, ForgetsRemovedPeers) {
  CounterContinuity continuity;
  continuity.absorb(sample_status());
  config::Status without = sample_status();
  without.peers.clear();
  without.drops.clear();
  const config::Status shown = continuity.absorb(without);
  ASSERT_EQ(shown.drops.size(), 1U);  // the one of no peer
  EXPECT_EQ(shown.drops[0].reason, "no_route");
  config::Status back = sample_status();
  back.pid = 2;
  EXPECT_EQ(continuity.absorb(back).peers[0].transmit_bytes, 12U);
}

}  // namespace
}  // namespace isthmus::control
