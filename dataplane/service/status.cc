#include "dataplane/service/status.h"

#include <unistd.h>

#include <algorithm>

#ifndef ISTHMUS_VERSION
#define ISTHMUS_VERSION "unknown"
#endif

namespace isthmus::service {

using pipeline::Direction;

namespace {

const char* name_of(Direction direction) { return direction == Direction::kOutbound ? "outbound" : "inbound"; }

constexpr Direction kBoth[] = {Direction::kOutbound, Direction::kInbound};

config::PortStatus port_status(const char* role, const config::PortConfig& port, const NextHopSource& source,
                               std::uint64_t missed) {
  config::PortStatus status{.role = role, .mac = to_string(source.mac()), .missed = missed};
  if (const auto* kernel = std::get_if<config::KernelPort>(&port)) {
    status.device = kernel->interface;
    status.kernel = true;
  } else {
    status.device = std::get<config::DevicePort>(port).device;
  }
  for (const InterfaceAddress& address : source.addresses()) status.addresses.push_back(to_string(address));
  return status;
}

std::vector<config::DesiredMap> in_words(const std::vector<nat::PrefixMap>& maps) {
  std::vector<config::DesiredMap> words;
  for (const nat::PrefixMap& map : maps) words.push_back({to_string(map.real), to_string(map.seen_as), {}});
  return words;
}

// Sums one counter of a peer over all workers.
template <typename Member>
std::uint64_t sum(const pipeline::PeerState& state, Direction direction, Member member) {
  std::uint64_t total = 0;
  for (const auto& worker : state.counters) total += (worker[static_cast<std::size_t>(direction)].*member).get();
  return total;
}

constexpr std::int64_t kAliveSeconds =
    std::chrono::duration_cast<std::chrono::seconds>(tunnel::kRejectAfterTime).count();

// One lane as the peer's words, and what it adds to the peer's own.
void add_lane(DataPlane& plane, const tunnel::Tunnel& tunnel, LaneId lane, std::uint16_t port,
              config::PeerStatus& peer) {
  const tunnel::PeerView view = tunnel.view(lane);
  const tunnel::Now now = plane.now();
  config::LaneStatus words{.listen_port = port};
  if (view.endpoint) words.endpoint = to_string(*view.endpoint);
  if (view.last_handshake) words.last_handshake_seconds = static_cast<std::int64_t>(view.last_handshake->seconds);
  words.usable = ((plane.state(lane.peer).usable_lanes.load(std::memory_order_relaxed) >> lane.number) & 1) != 0;

  const Instant heard = plane.state(lane).link.any_received.get();
  const double heard_age = std::chrono::duration<double>(now.instant - heard).count();
  if (heard != kNever && (peer.last_received_age < 0 || heard_age < peer.last_received_age)) {
    peer.last_received_age = heard_age;
  }
  const auto handshake_age = static_cast<std::int64_t>(now.wall.seconds) - words.last_handshake_seconds;
  peer.connected = peer.connected || (view.has_session && handshake_age < kAliveSeconds) ||
                   (heard != kNever && heard_age < static_cast<double>(kAliveSeconds));
  peer.rotating = peer.rotating || view.rotating;
  peer.last_handshake_seconds = std::max(peer.last_handshake_seconds, words.last_handshake_seconds);
  peer.transmit_bytes += view.handshake_bytes_sent;
  peer.receive_bytes += view.handshake_bytes_received;
  peer.memory_bytes += sizeof(LaneRecord) + view.memory_bytes;
  peer.lanes.push_back(std::move(words));
}

void add_peer(DataPlane& plane, const WaitingRoom& waiting, const tunnel::Tunnel& tunnel, PeerIndex peer,
              config::Status& status) {
  using pipeline::PeerCounters;
  const PeerRecord& record = plane.registry[peer];
  const pipeline::PeerState& state = plane.state(peer);
  config::PeerStatus words{.name = record.name, .public_key = tunnel::to_base64(record.config.public_key)};
  if (record.config.endpoint_name) words.endpoint_name = to_string(*record.config.endpoint_name);
  for (std::uint32_t number = 0; number < record.lanes.size(); ++number) {
    add_lane(plane, tunnel, {peer, number}, status.listen_ports[number], words);
  }
  words.endpoint = words.lanes.front().endpoint;
  if (const auto since = tunnel.view({peer, 0}).attempting_since) {
    words.handshake_pending_seconds = std::chrono::duration<double>(plane.now().instant - *since).count();
  }
  words.transmit_bytes += sum(state, Direction::kOutbound, &PeerCounters::tunnel_bytes) + record.keepalive_bytes;
  words.receive_bytes += sum(state, Direction::kInbound, &PeerCounters::tunnel_bytes);
  words.outbound_packets = sum(state, Direction::kOutbound, &PeerCounters::packets);
  words.outbound_bytes = sum(state, Direction::kOutbound, &PeerCounters::bytes);
  words.inbound_packets = sum(state, Direction::kInbound, &PeerCounters::packets);
  words.inbound_bytes = sum(state, Direction::kInbound, &PeerCounters::bytes);
  words.lost_packets = record.arrivals.lost();
  words.duplicate_packets = record.arrivals.duplicate();
  words.reordered_packets = record.arrivals.reordered();
  words.held_packets = waiting.held_for(peer);
  words.memory_bytes += sizeof(PeerRecord) + state.memory_bytes() + sizeof(pipeline::PeerTables) +
                        (record.config.remote.size() + record.config.local.size()) * sizeof(nat::PrefixMap);
  words.remote = in_words(record.config.remote);
  words.local = in_words(record.config.local);
  status.peers.push_back(std::move(words));
}

// Where held packets die: after a walk has handed them over, so that walk's books do not count them as its dead.
constexpr std::string_view kWaiting = "waiting";

void add_drop(const std::string& peer, Direction direction, std::size_t reason, std::uint64_t packets,
              std::string_view stage, config::Status& status) {
  if (packets == 0) return;
  const ReasonText& text = describe(static_cast<DropReason>(reason));
  status.drops.push_back({.peer = peer,
                          .direction = name_of(direction),
                          .stage = std::string(stage.empty() ? text.stage : stage),
                          .reason = std::string(text.name),
                          .help = std::string(text.help),
                          .packets = packets});
}

void add_drops(DataPlane& plane, const WaitingRoom& waiting, config::Status& status) {
  for (const Direction direction : kBoth) {
    const auto d = static_cast<std::size_t>(direction);
    for (std::size_t reason = 1; reason < kDropReasons; ++reason) {
      std::uint64_t packets = 0;
      for (const auto& walker : plane.forwarder.walkers()) {
        packets += walker->counters[d].drops_without_peer[reason].get();
      }
      add_drop("", direction, reason, packets, {}, status);
      add_drop("", direction, reason, waiting.dropped_without_peer(direction, static_cast<DropReason>(reason)),
               kWaiting, status);
      for (const auto& [name, peer] : plane.registry.names()) {
        packets = 0;
        for (const auto& worker : plane.state(peer).counters) packets += worker[d].drops[reason].get();
        add_drop(name, direction, reason, packets, {}, status);
        add_drop(name, direction, reason, plane.registry[peer].drops[d][reason], kWaiting, status);
      }
    }
  }
}

void add_walk(DataPlane& plane, Direction direction, config::Status& status) {
  config::WalkStatus words{.direction = name_of(direction)};
  std::array<std::uint64_t, kPunts> punts{};
  for (const auto& walker : plane.forwarder.walkers()) {
    const pipeline::WalkCounters& counters = walker->counters[static_cast<std::size_t>(direction)];
    words.received += counters.received.get();
    words.originated += counters.originated.get();
    words.resumed += counters.resumed.get();
    words.transmitted += counters.transmitted.get();
    words.dropped += counters.dropped.get();
    for (std::size_t punt = 0; punt < kPunts; ++punt) punts[punt] += counters.punts[punt].get();
  }
  for (std::size_t punt = 1; punt < kPunts; ++punt) {
    words.punted.push_back({std::string(describe(static_cast<Punt>(punt)).name), punts[punt]});
  }
  status.walks.push_back(std::move(words));
}

}  // namespace

config::Status collect_status(DataPlane& plane, const WaitingRoom& waiting, const tunnel::Tunnel& tunnel,
                              const StatusSource& source) {
  config::Status status{.version = ISTHMUS_VERSION,
                        .pid = static_cast<std::uint64_t>(::getpid()),
                        .started_seconds = source.started_seconds,
                        .generation = source.generation};
  if (source.config == nullptr) return status;
  const config::ValidatedConfig& config = *source.config;
  status.name = config.name;
  status.public_key = tunnel::to_base64(tunnel.public_key());
  status.aead = std::string(plane.forwarder.walkers().front()->aead->name());
  status.memory = plane.forwarder.memory();
  status.polling = config.polling == config::Polling::kBusy ? "busy" : "adaptive";
  status.listen_ports = config.listen_ports;
  status.ports.push_back(
      port_status("cluster", config.cluster_port, *source.cluster, plane.forwarder.cluster_missed()));
  status.ports.push_back(
      port_status("underlay", config.underlay_port, *source.underlay, plane.forwarder.underlay_missed()));
  for (const auto& [name, peer] : plane.registry.names()) add_peer(plane, waiting, tunnel, peer, status);
  add_drops(plane, waiting, status);
  for (const Direction direction : kBoth) add_walk(plane, direction, status);
  for (std::size_t event = 0; event < tunnel.counts().size(); ++event) {
    status.handshakes.push_back(
        {std::string(to_string(static_cast<tunnel::HandshakeEvent>(event))), tunnel.counts()[event]});
  }
  return status;
}

config::TraceStep in_words(const pipeline::TraceRecord& record) {
  config::TraceStep step{.packet = record.packet,
                         .direction = name_of(record.direction),
                         .stage = std::string(record.stage),
                         .length = record.length};
  if (record.drop != DropReason::kNone) {
    step.outcome = describe(record.drop).name;
  } else if (record.punt != Punt::kNone) {
    step.outcome = describe(record.punt).name;
  } else if (record.shows_inner) {
    step.source = to_string(record.source);
    step.destination = to_string(record.destination);
  }
  return step;
}

}  // namespace isthmus::service
