#include "control/counter_continuity.h"

#include <algorithm>
#include <set>

namespace isthmus::control {
namespace {

using config::DropStatus;
using config::NamedCount;
using config::WalkStatus;

std::string key_of(const NamedCount& named) { return named.name; }
std::string key_of(const WalkStatus& walk) { return walk.direction; }
std::string key_of(const DropStatus& drop) {
  return drop.peer + "|" + drop.direction + "|" + drop.stage + "|" + drop.reason;
}

// Rows of `before` that are missing in `now` come back with a count of zero.
template <typename Row>
void keep_rows(std::vector<Row>& now, const std::vector<Row>& before, std::uint64_t Row::*count) {
  std::set<std::string> present;
  for (const Row& row : now) present.insert(key_of(row));
  for (const Row& row : before) {
    if (present.contains(key_of(row))) continue;
    now.push_back(row);
    now.back().*count = 0;
  }
}

}  // namespace

config::Status CounterContinuity::absorb(config::Status status) {
  begin_run(status);
  std::set<std::string> peers = {""};
  for (const config::PeerStatus& peer : status.peers) peers.insert(peer.name);
  std::erase_if(previous_.drops, [&](const DropStatus& drop) { return !peers.contains(drop.peer); });
  keep_rows(status.drops, previous_.drops, &DropStatus::packets);
  keep_rows(status.handshakes, previous_.handshakes, &NamedCount::count);

  for (config::PeerStatus& peer : status.peers) {
    const std::string key = "peer|" + peer.name + "|";
    go_on(key + "transmit_bytes", peer.transmit_bytes);
    go_on(key + "receive_bytes", peer.receive_bytes);
    go_on(key + "outbound_packets", peer.outbound_packets);
    go_on(key + "outbound_bytes", peer.outbound_bytes);
    go_on(key + "inbound_packets", peer.inbound_packets);
    go_on(key + "inbound_bytes", peer.inbound_bytes);
    go_on(key + "lost_packets", peer.lost_packets);
    go_on(key + "duplicate_packets", peer.duplicate_packets);
    go_on(key + "reordered_packets", peer.reordered_packets);
  }
  for (config::PortStatus& port : status.ports) go_on("port|" + port.role + "|missed", port.missed);
  for (DropStatus& drop : status.drops) go_on("drop|" + key_of(drop), drop.packets);
  for (NamedCount& handshake : status.handshakes) go_on("handshake|" + key_of(handshake), handshake.count);
  for (WalkStatus& walk : status.walks) {
    const std::string key = "walk|" + key_of(walk) + "|";
    go_on(key + "received", walk.received);
    go_on(key + "originated", walk.originated);
    go_on(key + "resumed", walk.resumed);
    go_on(key + "transmitted", walk.transmitted);
    go_on(key + "dropped", walk.dropped);
    for (NamedCount& punted : walk.punted) go_on(key + "punted|" + key_of(punted), punted.count);
  }
  // Before its first configuration a data plane knows no peers: that is no reason to forget theirs.
  if (status.generation != 0) forget_removed();
  previous_ = status;
  return status;
}

void CounterContinuity::begin_run(const config::Status& status) {
  for (auto& [key, counter] : counters_) counter.touched = false;
  if (status.pid == pid_ && status.started_seconds == started_seconds_) return;
  pid_ = status.pid;
  started_seconds_ = status.started_seconds;
  for (auto& [key, counter] : counters_) {
    counter.base += counter.last;
    counter.last = 0;
  }
}

void CounterContinuity::go_on(const std::string& key, std::uint64_t& value) {
  Counter& counter = counters_[key];
  counter.touched = true;
  counter.last = value;
  value += counter.base;
}

void CounterContinuity::forget_removed() {
  std::erase_if(counters_, [](const auto& entry) { return !entry.second.touched; });
}

}  // namespace isthmus::control
