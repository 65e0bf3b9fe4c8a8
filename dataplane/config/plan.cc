#include "dataplane/config/plan.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "tunnel/keys.h"

namespace isthmus::config {
namespace {

using nat::PrefixMap;

std::string or_none(const std::string& text) { return text.empty() ? "none" : text; }

std::string in_words(const std::vector<std::uint16_t>& ports) {
  std::string words;
  for (const std::uint16_t port : ports) words += (words.empty() ? "" : ", ") + std::to_string(port);
  return words;
}

std::string endpoint_of(const PeerConfig& peer) {
  if (peer.endpoint_name) return to_string(*peer.endpoint_name);
  return peer.endpoint ? to_string(*peer.endpoint) : "";
}

std::string seconds_of(const PeerConfig& peer) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(peer.persistent_keepalive).count());
}

std::string how_many(std::size_t maps) { return std::to_string(maps) + (maps == 1 ? " map" : " maps"); }

class Comparison {
 public:
  Comparison(const ValidatedConfig& running, const ValidatedConfig& next) : running_(running), next_(next) {}

  Plan run() {
    compare_cluster();
    std::map<std::string, const PeerConfig*> left;
    for (const PeerConfig& peer : running_.peers) left.emplace(peer.name, &peer);
    for (const PeerConfig& peer : next_.peers) {
      const auto found = left.find(peer.name);
      if (found == left.end()) {
        add_peer(peer);
      } else {
        compare_peer(*found->second, peer);
        left.erase(found);
      }
    }
    for (const auto& [name, peer] : left) say("peers[" + name + "]", "removed; its sessions and flows end");
    return std::move(plan_);
  }

 private:
  void say(const std::string& path, const std::string& what) { plan_.changes.push_back(path + ": " + what); }

  bool differs(const std::string& path, const std::string& before, const std::string& after,
               const std::string& consequence = "") {
    if (before == after) return false;
    say(path, or_none(after) + " instead of " + or_none(before) + consequence);
    return true;
  }

  void refuse(bool changed, const std::string& path) {
    if (!changed) return;
    say(path, "is another");
    plan_.refused.push_back(path);
  }

  void compare_cluster();
  void compare_prefixes(const std::string& path, std::vector<Ipv4Prefix> before, std::vector<Ipv4Prefix> after,
                        const std::string& end);
  void add_peer(const PeerConfig& peer);
  void compare_peer(const PeerConfig& before, const PeerConfig& after);
  void compare_keys(const std::string& path, const PeerConfig& before, const PeerConfig& after);
  void compare_lanes(const std::string& path, const PeerConfig& before, const PeerConfig& after);
  void compare_except(const std::string& path, const std::vector<ExceptedRange>& before,
                      const std::vector<ExceptedRange>& after);
  void compare_maps(const std::string& path, const std::string& verb, const std::vector<PrefixMap>& before,
                    const std::vector<PrefixMap>& after);

  const ValidatedConfig& running_;
  const ValidatedConfig& next_;
  Plan plan_;
};

void Comparison::compare_cluster() {
  differs("name", running_.name, next_.name);
  if (differs("privateKeyFile", running_.private_key_file, next_.private_key_file)) {
    plan_.handshakes.push_back("every peer, if the private key is another; the old keys serve until then");
  }
  refuse(running_.cluster_port != next_.cluster_port, "ports.cluster");
  refuse(running_.underlay_port != next_.underlay_port, "ports.underlay");
  compare_prefixes("pods", running_.pods, next_.pods, "removed; flows of these pods end");
  compare_prefixes("reserved", running_.reserved, next_.reserved, "removed");
  differs("tunnel.listenPorts", in_words(running_.listen_ports), in_words(next_.listen_ports));
  const auto polling = [](Polling value) { return value == Polling::kBusy ? "busy" : "adaptive"; };
  differs("polling", polling(running_.polling), polling(next_.polling));
  refuse(running_.aead != next_.aead, "aead");
  differs("metrics.address", running_.metrics_address, next_.metrics_address);
}

void Comparison::compare_prefixes(const std::string& path, std::vector<Ipv4Prefix> before,
                                  std::vector<Ipv4Prefix> after, const std::string& end) {
  std::ranges::sort(before);
  std::ranges::sort(after);
  for (const Ipv4Prefix prefix : before) {
    if (!std::ranges::binary_search(after, prefix)) say(path, to_string(prefix) + " " + end);
  }
  for (const Ipv4Prefix prefix : after) {
    if (!std::ranges::binary_search(before, prefix)) say(path, to_string(prefix) + " added");
  }
}

void Comparison::add_peer(const PeerConfig& peer) {
  say("peers[" + peer.name + "]", "added, with " + how_many(peer.remote.size()));
  plan_.handshakes.push_back(peer.name + ", for the first time" +
                             (endpoint_of(peer).empty() ? ", when it calls: it has no endpoint here" : ""));
}

void Comparison::compare_peer(const PeerConfig& before, const PeerConfig& after) {
  const std::string path = "peers[" + after.name + "]";
  compare_keys(path, before, after);
  differs(path + ".endpoint", endpoint_of(before), endpoint_of(after));
  compare_lanes(path, before, after);
  differs(path + ".persistentKeepalive", seconds_of(before), seconds_of(after));
  differs(path + ".mtu", std::to_string(before.mtu), std::to_string(after.mtu));
  compare_maps(path + ".remote", "seen as", before.remote, after.remote);
  compare_maps(path + ".local", "shown as", before.local, after.local);
  compare_except(path + ".remote", before.remote_except, after.remote_except);
  compare_except(path + ".local", before.local_except, after.local_except);
  const auto others = [](const PeerConfig& peer) {
    return peer.others_seen_as ? to_string(*peer.others_seen_as) : std::string();
  };
  differs(path + ".othersSeenAs", others(before), others(after), before.others_seen_as ? "; its flows end" : "");
}

void Comparison::compare_keys(const std::string& path, const PeerConfig& before, const PeerConfig& after) {
  const bool key =
      differs(path + ".publicKey", tunnel::to_base64(before.public_key), tunnel::to_base64(after.public_key));
  const bool preshared = differs(path + ".presharedKeyFile", before.preshared_key_file, after.preshared_key_file);
  const std::string until = "; the old keys serve until then";
  if (key) {
    plan_.handshakes.push_back(after.name + ", for its public key is another" + until);
  } else if (preshared) {
    plan_.handshakes.push_back(after.name + ", if the pre-shared key is another" + until);
  }
}

void Comparison::compare_lanes(const std::string& path, const PeerConfig& before, const PeerConfig& after) {
  differs(path + ".lanes", std::to_string(before.lanes), std::to_string(after.lanes),
          before.lanes > after.lanes ? "; the others' sessions end" : "");
  if (before.lanes < after.lanes) {
    plan_.handshakes.push_back(after.name + ", with its new lanes only");
  }
  // An endpoint that comes, goes or has another port says so itself.
  const auto common = static_cast<std::ptrdiff_t>(std::min(before.endpoint_ports.size(), after.endpoint_ports.size()));
  if (endpoint_of(before) == endpoint_of(after) &&
      !std::equal(before.endpoint_ports.begin(), before.endpoint_ports.begin() + common,
                  after.endpoint_ports.begin())) {
    differs(path + ".endpointPorts", in_words(before.endpoint_ports), in_words(after.endpoint_ports));
  }
}

// The maps that stay. A new one inside them takes what they showed as something else, and hides what they showed where
// it is seen.
class Standing {
 public:
  void insert(const PrefixMap& map) {
    by_real_.emplace(map.real, map.seen_as);
    views_.insert(map.seen_as);
  }
  std::string ended_by(const PrefixMap& added) const {
    std::string ends;
    for (int length = added.real.length - 1; length > 0 && ends.empty(); --length) {
      const auto around = by_real_.find(make_prefix(added.real.network, static_cast<std::uint8_t>(length)));
      if (around == by_real_.end()) continue;
      const Ipv4Address shown{around->second.network.value | (added.real.network.value & ~around->second.mask())};
      ends = "; flows with " + to_string(Ipv4Prefix{shown, added.real.length}) + " end";
    }
    for (int length = added.seen_as.length - 1; length > 0; --length) {
      if (!views_.contains(make_prefix(added.seen_as.network, static_cast<std::uint8_t>(length)))) continue;
      return ends + "; flows with what was " + to_string(added.seen_as) + " end";
    }
    return ends;
  }

 private:
  std::map<Ipv4Prefix, Ipv4Prefix> by_real_;
  std::set<Ipv4Prefix> views_;
};

// What keeps its address is in no map of the document.
void Comparison::compare_maps(const std::string& path, const std::string& verb, const std::vector<PrefixMap>& before,
                              const std::vector<PrefixMap>& after) {
  const bool local = verb == "shown as";
  const auto counts = [local](const PrefixMap& map) { return !local || map.real != map.seen_as; };
  std::map<Ipv4Prefix, Ipv4Prefix> left;
  for (const PrefixMap& map : before) {
    if (counts(map)) left.emplace(map.real, map.seen_as);
  }
  std::vector<const PrefixMap*> added;
  Standing standing;
  for (const PrefixMap& map : after) {
    if (!counts(map)) continue;
    const auto found = left.find(map.real);
    if (found == left.end()) {
      added.push_back(&map);
      continue;
    }
    if (found->second == map.seen_as) standing.insert(map);
    const std::string old = to_string(found->second);
    differs(path, old, to_string(map.seen_as), " for " + to_string(map.real) + "; flows with " + old + " end");
    left.erase(found);
  }
  for (const auto& [real, view] : left) {
    say(path, to_string(real) + ", " + verb + " " + to_string(view) + ", removed; its flows end");
  }
  for (const PrefixMap* map : added) {
    const std::string ends = standing.ended_by(*map);
    say(path, to_string(map->real) + " added, " + verb + " " + to_string(map->seen_as) +
                  (ends.empty() && local ? "; flows with its own addresses end" : ends));
  }
}

void Comparison::compare_except(const std::string& path, const std::vector<ExceptedRange>& before,
                                const std::vector<ExceptedRange>& after) {
  const auto reals = [](const std::vector<ExceptedRange>& ranges) {
    std::set<Ipv4Prefix> prefixes;
    for (const ExceptedRange& range : ranges) prefixes.insert(range.real);
    return prefixes;
  };
  const std::set<Ipv4Prefix> left = reals(before);
  const std::set<Ipv4Prefix> next = reals(after);
  for (const Ipv4Prefix prefix : next) {
    if (!left.contains(prefix)) say(path, to_string(prefix) + " excepted; its flows end");
  }
  for (const Ipv4Prefix prefix : left) {
    if (!next.contains(prefix)) say(path, to_string(prefix) + " no longer excepted");
  }
}

}  // namespace

Plan plan(const ValidatedConfig& running, const ValidatedConfig& next) { return Comparison(running, next).run(); }

}  // namespace isthmus::config
