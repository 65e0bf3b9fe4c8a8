#include "control/render.h"

#include <algorithm>
#include <map>

#include "control/text_table.h"
#include "control/units.h"

namespace isthmus::control {
namespace {

using config::DropStatus;
using config::PeerStatus;
using config::Status;
using config::WalkStatus;

constexpr std::size_t kNameWidth = 19;  // what a row of drops leaves for it
constexpr std::size_t kEndpointWidth = 21;
constexpr std::size_t kNameInSentence = 60;

std::string plural(std::size_t count, const char* one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

std::string handshake_age(std::int64_t last, std::int64_t now) { return last == 0 ? "never" : human_age(now - last); }

std::size_t connected_peers(const Status& status) {
  return static_cast<std::size_t>(
      std::count_if(status.peers.begin(), status.peers.end(), [](const PeerStatus& peer) { return peer.connected; }));
}

std::string health(const Status& status) {
  if (status.generation == 0)
    return "IDLE: the data plane runs but has no document yet; give it one with `isthmusctl apply`\n";
  const std::size_t connected = connected_peers(status);
  const std::string peers = std::to_string(connected) + " of " + plural(status.peers.size(), "peer") + " connected";
  const bool good = connected == status.peers.size();
  return (good ? "OK: " : "DEGRADED: ") + status.name + " forwards, " + peers +
         (good ? "\n" : "; see `isthmusctl peers`\n");
}

// "51820-51823, 51830"
std::string ranges(const std::vector<std::uint16_t>& ports) {
  std::string text;
  for (std::size_t i = 0; i < ports.size();) {
    std::size_t last = i;
    while (last + 1 < ports.size() && ports[last + 1] == ports[last] + 1) ++last;
    text += (text.empty() ? "" : ", ") + std::to_string(ports[i]);
    if (last != i) text += "-" + std::to_string(ports[last]);
    i = last + 1;
  }
  return text;
}

std::string facts(const Status& status, std::int64_t now) {
  std::string text = "data plane   isthmus-dp " + status.version + ", pid " + std::to_string(status.pid) + ", up " +
                     human_age(now - status.started_seconds) + ", generation " + std::to_string(status.generation) +
                     "\n";
  text += "forwarding   " + status.aead + ", " + status.memory + ", " + status.polling + " polling\n";
  text += std::string("tunnels      UDP port") + (status.listen_ports.size() == 1 ? " " : "s ") +
          ranges(status.listen_ports) + ", public key " + status.public_key + "\n";
  return text;
}

std::string ports(const Status& status) {
  TextTable table({"PORT", "DEVICE", "KERNEL", "MAC", "MISSED", "ADDRESSES"});
  for (const config::PortStatus& port : status.ports) {
    std::vector<std::string> addresses = port.addresses;
    if (addresses.empty()) addresses.emplace_back("none");
    table.add({port.role, shorten(port.device, 30), port.kernel ? "yes" : "no", port.mac, human_count(port.missed),
               shorten(addresses[0], 30)});
    for (std::size_t i = 1; i < addresses.size(); ++i) table.add({"", "", "", "", "", shorten(addresses[i], 30)});
  }
  table.align_right(4);
  return table.text();
}

std::uint64_t punted(const WalkStatus& walk) {
  std::uint64_t sum = 0;
  for (const config::NamedCount& punt : walk.punted) sum += punt.count;
  return sum;
}

// Books that are read while bursts are on their way may differ by those bursts.
std::string balance(const WalkStatus& walk) {
  const std::uint64_t in = walk.received + walk.originated + walk.resumed;
  const std::uint64_t out = walk.transmitted + walk.dropped + punted(walk);
  if (in == out) return "balanced";
  return in > out ? human_count(in - out) + " on their way" : human_count(out - in) + " TOO MANY OUT";
}

std::string walks(const Status& status) {
  TextTable table({"WALK", "RECEIVED", "ORIGINATED", "RESUMED", "TRANSMITTED", "DROPPED", "PUNTED", "BALANCE"});
  for (const WalkStatus& walk : status.walks) {
    table.add({walk.direction, human_count(walk.received), human_count(walk.originated), human_count(walk.resumed),
               human_count(walk.transmitted), human_count(walk.dropped), human_count(punted(walk)), balance(walk)});
  }
  for (std::size_t column = 1; column <= 6; ++column) table.align_right(column);
  return table.text();
}

std::string peers_in_short(const Status& status, std::int64_t now) {
  std::string text = "peers        " + plural(status.peers.size(), "peer") + ", " +
                     std::to_string(connected_peers(status)) + " connected";
  const char* separator = "; down: ";
  for (const PeerStatus& peer : status.peers) {
    if (peer.connected) continue;
    text += separator + peer.name + " (last handshake " + handshake_age(peer.last_handshake_seconds, now) + ")";
    separator = ", ";
  }
  return wrap(text, 13);
}

// What stands in the document: an address in use, a name and the address it leads to, or nothing.
std::vector<std::string> endpoint_cells(const PeerStatus& peer) {
  if (peer.endpoint_name.empty()) return {peer.endpoint.empty() ? "not known yet" : peer.endpoint};
  return {peer.endpoint.empty() ? "not resolved yet" : peer.endpoint, shorten(peer.endpoint_name, kEndpointWidth)};
}

std::string name_advice(const PeerStatus& peer) {
  return peer.name + ": " + shorten(peer.endpoint_name, kNameInSentence) +
         (peer.endpoint.empty() ? " is not resolved yet" : " is not resolved at the moment") +
         (peer.name_trouble.empty() ? "" : " (" + peer.name_trouble + ")") +
         "; check the name and the DNS server of isthmusd's pod";
}

// What `wg` changed holds until the next document.
std::string drift_of(const Status& status) {
  if (status.drift.empty()) return {};
  std::string text =
      wrap("drift        " + plural(status.drift.size(), "difference") +
               " from the document; `isthmusctl apply FILE` ends " + (status.drift.size() == 1 ? "it" : "them"),
           13);
  for (const std::string& difference : status.drift) text += wrap("- " + difference, 2);
  return text;
}

std::string advice_for(const PeerStatus& peer, const std::string& our_key) {
  if (peer.endpoint.empty()) {
    return peer.name + " has no endpoint here, so only it can begin; it must have ours and our public key " + our_key;
  }
  return peer.name + " does not answer at " + peer.endpoint +
         ": is that UDP port open there, and does it know our public key " + our_key + "?";
}

// A peer with one lane is that lane.
void add_lanes(const PeerStatus& peer, std::int64_t now, TextTable& table) {
  if (peer.lanes.size() < 2) return;
  for (std::size_t i = 0; i < peer.lanes.size(); ++i) {
    const config::LaneStatus& lane = peer.lanes[i];
    table.add({"  lane " + std::to_string(i), lane.usable ? "up" : "out",
               lane.endpoint.empty() ? "not known yet" : lane.endpoint, handshake_age(lane.last_handshake_seconds, now),
               "", "", "", ""});
  }
}

std::string name_of(const DropStatus& drop) { return drop.peer.empty() ? "-" : shorten(drop.peer, kNameWidth); }

}  // namespace

std::string render_status(const Status& status, std::int64_t now) {
  std::string text = health(status) + "\n" + facts(status, now) + peers_in_short(status, now) + drift_of(status);
  if (!status.ports.empty()) text += "\n" + ports(status);
  if (!status.walks.empty()) text += "\n" + walks(status);
  return text;
}

std::string render_peers(const Status& status, std::int64_t now) {
  if (status.peers.empty()) return "no peers; add one to the document and `isthmusctl apply` it\n";
  TextTable table({"NAME", "STATE", "ENDPOINT", "HANDSHAKE", "RX", "TX", "LOST", "SEEN HERE AS"});
  for (const PeerStatus& peer : status.peers) {
    const std::vector<std::string> endpoint = endpoint_cells(peer);
    table.add({peer.name, peer.connected ? "up" : "down", endpoint.front(),
               handshake_age(peer.last_handshake_seconds, now), human_bytes(peer.receive_bytes),
               human_bytes(peer.transmit_bytes), short_count(peer.lost_packets),
               peer.remote.empty() ? "" : peer.remote.front().seen_as});
    for (std::size_t i = 1; i < std::max(peer.remote.size(), endpoint.size()); ++i) {
      table.add({"", "", i < endpoint.size() ? endpoint[i] : "", "", "", "", "",
                 i < peer.remote.size() ? peer.remote[i].seen_as : ""});
    }
    add_lanes(peer, now, table);
  }
  for (std::size_t column = 3; column <= 6; ++column) table.align_right(column);
  table.shrink(0, 10);
  std::string text = table.text();
  for (const PeerStatus& peer : status.peers) {
    const bool unresolved = !peer.endpoint_name.empty() && (peer.endpoint.empty() || !peer.name_trouble.empty());
    if (unresolved) text += "\n" + wrap(name_advice(peer), 2);
    if (!peer.connected && !(unresolved && peer.endpoint.empty())) {
      text += "\n" + wrap(advice_for(peer, status.public_key), 2);
    }
    if (peer.rotating) {
      text +=
          "\n" + wrap(peer.name +
                          ": its new keys wait for the other side to have them too; until their first handshake the "
                          "old ones serve",
                      2);
    }
  }
  return text;
}

std::string render_drops(const Status& status) {
  if (status.drops.empty()) return "no packet was dropped\n";
  std::vector<DropStatus> drops = status.drops;
  std::stable_sort(drops.begin(), drops.end(),
                   [](const DropStatus& a, const DropStatus& b) { return a.packets > b.packets; });
  TextTable table({"PEER", "DIRECTION", "STAGE", "REASON", "PACKETS"});
  std::map<std::string, std::string> helps;
  for (const DropStatus& drop : drops) {
    table.add({name_of(drop), drop.direction, drop.stage, drop.reason, human_count(drop.packets)});
    helps[drop.reason] = drop.help;
  }
  table.align_right(4);
  std::string text = table.text() + "\n";
  for (const auto& [reason, help] : helps) text += wrap(reason + ": " + help, 2);
  return text;
}

std::string render_trace(const std::vector<config::TraceStep>& steps) {
  TextTable table({"PACKET", "DIRECTION", "STAGE", "SOURCE", "DESTINATION", "BYTES", "OUTCOME"});
  for (const config::TraceStep& step : steps) {
    const bool hidden = step.source.empty() && step.outcome.empty();
    table.add({std::to_string(step.packet), step.direction, step.stage, hidden ? "-" : step.source,
               hidden ? "-" : step.destination, std::to_string(step.length), step.outcome});
  }
  table.align_right(0);
  table.align_right(5);
  return table.text();
}

}  // namespace isthmus::control
