#include "dataplane/config/wg_edit.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "dataplane/config/field_check.h"

namespace isthmus::config {
namespace {

using Peers = std::map<tunnel::PublicKey, const DesiredPeer*>;

Peers by_key(const DesiredState& state) {
  Peers peers;
  for (const DesiredPeer& peer : state.peers) peers.emplace(tunnel::parse_key(peer.public_key).value(), &peer);
  return peers;
}

Ipv4Prefix real_of(const DesiredMap& map) { return std::get<Ipv4Prefix>(parse_ipv4_prefix(as_prefix(map.real))); }

class Editor {
 public:
  Editor(const DesiredState& document, const DesiredState& running)
      : documented_(by_key(document)), running_(by_key(running)) {
    edited_.state = running;
    edited_.state.peers.clear();
    for (const DesiredPeer& peer : document.peers) places_.emplace(peer.name, places_.size());
    for (const DesiredPeer& peer : running.peers) insert(tunnel::parse_key(peer.public_key).value(), peer);
  }

  WgEdited run(const WgEdit& wanted) {
    if (wanted.listen_port) listen_at(*wanted.listen_port);
    if (wanted.replace_peers) peers_.clear();
    for (const WgPeerEdit& peer : wanted.peers) edit_peer(peer);
    finish();
    return std::move(edited_);
  }

 private:
  struct Entry {
    std::size_t place;
    DesiredPeer peer;
  };

  DesiredPeer& insert(const tunnel::PublicKey& key, const DesiredPeer& peer);
  void listen_at(std::uint16_t port);
  void edit_peer(const WgPeerEdit& wanted);
  DesiredPeer fresh_peer(const tunnel::PublicKey& key) const;
  void move_to(const Endpoint& endpoint, const WgPeerEdit& wanted, DesiredPeer& peer) const;
  void edit_allowed_ips(const WgPeerEdit& wanted, DesiredPeer& peer) const;
  std::vector<DesiredMap> known_maps(const tunnel::PublicKey& key, const DesiredPeer& peer) const;
  void finish();

  const Peers documented_;
  const Peers running_;
  std::map<std::string, std::size_t> places_;  // the document's peers in its order, then the others as they come
  std::map<tunnel::PublicKey, Entry> peers_;
  WgEdited edited_;
};

DesiredPeer& Editor::insert(const tunnel::PublicKey& key, const DesiredPeer& peer) {
  const std::size_t place = places_.emplace(peer.name, places_.size()).first->second;
  return peers_.emplace(key, Entry{place, peer}).first->second.peer;
}

void Editor::listen_at(std::uint16_t port) {
  DesiredState& state = edited_.state;
  const bool listed = !state.listen_ports.empty();
  if (listed) state.listen_ports.front() = port;
  state.listen_port = listed ? DesiredState{}.listen_port : port;
}

void Editor::edit_peer(const WgPeerEdit& wanted) {
  auto found = peers_.find(wanted.public_key);
  if (wanted.remove) {
    if (found != peers_.end()) peers_.erase(found);
    return;
  }
  if (found == peers_.end() && wanted.update_only) return;
  if (found == peers_.end()) {
    const DesiredPeer& fresh = insert(wanted.public_key, fresh_peer(wanted.public_key));
    edited_.preshared_keys[fresh.name] = {};
    found = peers_.find(wanted.public_key);
  }
  DesiredPeer& peer = found->second.peer;
  if (wanted.preshared_key) edited_.preshared_keys[peer.name] = *wanted.preshared_key;
  if (wanted.persistent_keepalive) peer.persistent_keepalive = *wanted.persistent_keepalive;
  if (wanted.endpoint && parse_endpoint(peer.endpoint) != wanted.endpoint) move_to(*wanted.endpoint, wanted, peer);
  edit_allowed_ips(wanted, peer);
}

// The endpoint is the first lane's. Ports that are listed for the others stay.
void Editor::move_to(const Endpoint& endpoint, const WgPeerEdit& wanted, DesiredPeer& peer) const {
  const auto documented = documented_.find(wanted.public_key);
  if (peer.endpoint.empty() && documented != documented_.end())
    peer.endpoint_ports = documented->second->endpoint_ports;
  if (!peer.endpoint_ports.empty()) peer.endpoint_ports.front() = endpoint.port;
  peer.endpoint = to_string(endpoint);
}

// As WireGuard knows it: a key and nothing else.
DesiredPeer Editor::fresh_peer(const tunnel::PublicKey& key) const {
  DesiredPeer peer;
  for (const Peers* known : {&documented_, &running_}) {
    const auto found = known->find(key);
    if (found == known->end()) continue;
    peer = *found->second;
    peer.endpoint.clear();
    peer.endpoint_ports.clear();
    peer.persistent_keepalive = 0;
    peer.remote.clear();
    return peer;
  }
  peer.name = "wg-" + to_hex(std::span(key).first<4>());
  peer.public_key = tunnel::to_base64(key);
  return peer;
}

void Editor::edit_allowed_ips(const WgPeerEdit& wanted, DesiredPeer& peer) const {
  if (!wanted.replace_allowed_ips && wanted.allowed_ips.empty()) return;
  std::set<Ipv4Prefix> reals;
  if (!wanted.replace_allowed_ips) {
    for (const DesiredMap& map : peer.remote) reals.insert(real_of(map));
  }
  for (const WgAllowedIp& ip : wanted.allowed_ips) {
    if (ip.remove) {
      reals.erase(ip.prefix);
    } else {
      reals.insert(ip.prefix);
    }
  }
  std::vector<DesiredMap> remote;
  for (const DesiredMap& map : known_maps(wanted.public_key, peer)) {
    if (reals.erase(real_of(map)) != 0) remote.push_back(map);
  }
  for (const WgAllowedIp& ip : wanted.allowed_ips) {
    if (reals.erase(ip.prefix) != 0) remote.push_back({to_string(ip.prefix), to_string(ip.prefix)});
  }
  peer.remote = std::move(remote);
}

// The document's first: a prefix that was taken away and comes back is seen as before.
std::vector<DesiredMap> Editor::known_maps(const tunnel::PublicKey& key, const DesiredPeer& peer) const {
  std::vector<DesiredMap> maps;
  if (const auto found = documented_.find(key); found != documented_.end()) maps = found->second->remote;
  maps.insert(maps.end(), peer.remote.begin(), peer.remote.end());
  return maps;
}

void Editor::finish() {
  std::multimap<std::size_t, const DesiredPeer*> in_order;  // one place for one name: validate sees if two have it
  for (const auto& [key, entry] : peers_) in_order.emplace(entry.place, &entry.peer);
  for (const auto& [place, peer] : in_order) edited_.state.peers.push_back(*peer);
}

}  // namespace

WgEdited edit(const DesiredState& document, const DesiredState& running, const WgEdit& wanted) {
  return Editor(document, running).run(wanted);
}

}  // namespace isthmus::config
