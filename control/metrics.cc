#include "control/metrics.h"

#include "control/metrics_writer.h"

namespace isthmus::control {
namespace {

using config::PeerStatus;
using config::Status;

constexpr const char* kDriver = "wireguard";

void write_liqo(MetricsWriter& out, const Status& status, bool up) {
  out.family("liqo_peer_receive_bytes_total", "counter", "Number of bytes received from a given peer.");
  for (const PeerStatus& peer : status.peers) {
    out.sample(peer.receive_bytes, {{"driver", kDriver}, {"cluster_id", peer.name}});
  }
  out.family("liqo_peer_transmit_bytes_total", "counter", "Number of bytes transmitted to a given peer.");
  for (const PeerStatus& peer : status.peers) {
    out.sample(peer.transmit_bytes, {{"driver", kDriver}, {"cluster_id", peer.name}});
  }
  out.family(
      "liqo_peer_is_connected", "gauge",
      "Status of the connectivity to a given peer (true = Liqo tunnel is up and gateways are pinging each other).");
  for (const PeerStatus& peer : status.peers) {
    // A session that stood when the data plane was last heard of does not stand without it.
    out.sample(up && peer.connected ? 1 : 0, {{"driver", kDriver}, {"cluster_id", peer.name}});
  }
  out.family("liqo_wireguard_implementation", "gauge", "Wireguard used implementation");
  out.sample(1, {{"driver", kDriver}, {"implementation", "dpdk"}});
}

void write_peers(MetricsWriter& out, const Status& status) {
  out.family("isthmus_packets_total", "counter",
             "Inner packets: outbound are sealed and sent to the peer, inbound are delivered to the cluster.");
  for (const PeerStatus& peer : status.peers) {
    out.sample(peer.outbound_packets, {{"cluster_id", peer.name}, {"direction", "outbound"}});
    out.sample(peer.inbound_packets, {{"cluster_id", peer.name}, {"direction", "inbound"}});
  }
  out.family("isthmus_bytes_total", "counter", "Bytes of the inner packets that isthmus_packets_total counts.");
  for (const PeerStatus& peer : status.peers) {
    out.sample(peer.outbound_bytes, {{"cluster_id", peer.name}, {"direction", "outbound"}});
    out.sample(peer.inbound_bytes, {{"cluster_id", peer.name}, {"direction", "inbound"}});
  }
  out.family("isthmus_held_packets", "gauge", "Packets that wait for a session or a neighbour's address.");
  for (const PeerStatus& peer : status.peers) out.sample(peer.held_packets, {{"cluster_id", peer.name}});
  out.family("isthmus_peer_memory_bytes", "gauge",
             "Memory that the data plane keeps of the peer: counters, lanes, keys, sessions and maps.");
  for (const PeerStatus& peer : status.peers) out.sample(peer.memory_bytes, {{"cluster_id", peer.name}});
  out.family("isthmus_peer_last_handshake_seconds", "gauge",
             "Unix time of the newest session's handshake; 0 when there was none.");
  for (const PeerStatus& peer : status.peers) {
    out.sample(static_cast<std::uint64_t>(peer.last_handshake_seconds), {{"cluster_id", peer.name}});
  }
}

// What the peer sent and we can judge. Its gateway judges what we sent, with the same counters.
void write_arrivals(MetricsWriter& out, const Status& status) {
  const auto family = [&](const char* name, const std::string& help, std::uint64_t PeerStatus::*count) {
    out.family(name, "counter", help + " The other direction is what the peer's own gateway counts as inbound.");
    for (const PeerStatus& peer : status.peers) {
      out.sample(peer.*count, {{"cluster_id", peer.name}, {"direction", "inbound"}});
    }
  };
  family("isthmus_peer_lost_packets_total",
         "WireGuard messages that the peer sealed and that did not arrive within a second, by their counters.",
         &PeerStatus::lost_packets);
  family("isthmus_peer_duplicate_packets_total", "WireGuard messages of the peer's that arrived once more.",
         &PeerStatus::duplicate_packets);
  family("isthmus_peer_reordered_packets_total",
         "WireGuard messages of the peer's that arrived behind one which was sent later.",
         &PeerStatus::reordered_packets);
}

void write_lanes(MetricsWriter& out, const Status& status) {
  out.family("isthmus_lane_usable", "gauge",
             "1 when flows use this WireGuard session of the peer's, 0 when it is out.");
  for (const PeerStatus& peer : status.peers) {
    for (std::size_t lane = 0; lane < peer.lanes.size(); ++lane) {
      out.sample(peer.lanes[lane].usable ? 1 : 0, {{"cluster_id", peer.name}, {"lane", std::to_string(lane)}});
    }
  }
  out.family("isthmus_peer_key_rotation_pending", "gauge",
             "1 while new keys wait for their first handshake and the old ones serve.");
  for (const PeerStatus& peer : status.peers) out.sample(peer.rotating ? 1 : 0, {{"cluster_id", peer.name}});
}

void write_drops(MetricsWriter& out, const Status& status) {
  out.family("isthmus_drops_total", "counter",
             "Packets that died, by the peer they belonged to (empty: none was known yet), the stage and the reason.");
  for (const config::DropStatus& drop : status.drops) {
    out.sample(
        drop.packets,
        {{"cluster_id", drop.peer}, {"direction", drop.direction}, {"stage", drop.stage}, {"reason", drop.reason}});
  }
}

void write_walks(MetricsWriter& out, const Status& status) {
  out.family("isthmus_walk_packets_total", "counter",
             "A walk's books: received + originated + resumed = transmitted + dropped + punted.");
  for (const config::WalkStatus& walk : status.walks) {
    out.sample(walk.received, {{"direction", walk.direction}, {"event", "received"}});
    out.sample(walk.originated, {{"direction", walk.direction}, {"event", "originated"}});
    out.sample(walk.resumed, {{"direction", walk.direction}, {"event", "resumed"}});
    out.sample(walk.transmitted, {{"direction", walk.direction}, {"event", "transmitted"}});
    out.sample(walk.dropped, {{"direction", walk.direction}, {"event", "dropped"}});
  }
  out.family("isthmus_port_missed_packets_total", "counter",
             "Frames that found a port's receive ring full, so that no worker has seen them.");
  for (const config::PortStatus& port : status.ports) out.sample(port.missed, {{"port", port.role}});
  out.family("isthmus_punts_total", "counter", "Packets that left a walk alive, by who took them.");
  for (const config::WalkStatus& walk : status.walks) {
    for (const config::NamedCount& punt : walk.punted) {
      out.sample(punt.count, {{"direction", walk.direction}, {"punt", punt.name}});
    }
  }
  out.family("isthmus_handshakes_total", "counter", "Results of handshake messages.");
  for (const config::NamedCount& event : status.handshakes) out.sample(event.count, {{"event", event.name}});
}

void write_gateway(MetricsWriter& out, const MetricsInput& input) {
  out.family("isthmus_data_plane_up", "gauge",
             "1 when the data plane answers; the other values are old when it does not.");
  out.sample(input.data_plane_up ? 1 : 0);
  out.family("isthmus_data_plane_restarts_total", "counter", "How often isthmusd had to start the data plane again.");
  out.sample(input.data_plane_restarts);
  out.family("isthmus_config_last_apply_successful", "gauge",
             "1 when the newest document was taken, 0 when it was refused.");
  out.sample(input.last_apply_successful ? 1 : 0);
  out.family("isthmus_build_info", "gauge", "The control daemon's release.");
  out.sample(1, {{"version", ISTHMUS_VERSION}});
}

}  // namespace

std::string metrics_text(const MetricsInput& input) {
  MetricsWriter out;
  write_gateway(out, input);
  if (input.status == nullptr) return out.take();
  const Status& status = *input.status;
  out.family("isthmus_config_generation", "gauge", "How many documents the data plane has taken; 0: none yet.");
  out.sample(status.generation);
  out.family("isthmus_config_drift", "gauge",
             "In how many things wg has changed what runs since the last document; the next one ends it.");
  out.sample(status.drift.size());
  out.family("isthmus_data_plane_info", "gauge", "How the data plane runs.");
  out.sample(1, {{"aead", status.aead}, {"memory", status.memory}, {"polling", status.polling}});
  write_liqo(out, status, input.data_plane_up);
  write_peers(out, status);
  write_arrivals(out, status);
  write_lanes(out, status);
  write_drops(out, status);
  write_walks(out, status);
  return out.take();
}

}  // namespace isthmus::control
