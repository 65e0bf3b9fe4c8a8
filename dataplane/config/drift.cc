#include "dataplane/config/drift.h"

#include <algorithm>
#include <map>

#include "dataplane/packet/address.h"

namespace isthmus::config {
namespace {

using Sentences = std::vector<std::string>;

std::string or_none(const std::string& text) { return text.empty() ? "none" : text; }

std::string port_of(const DesiredState& state) {
  return std::to_string(state.listen_ports.empty() ? state.listen_port : state.listen_ports.front());
}

// One address may be written in several ways.
bool same_endpoint(const std::string& left, const std::string& right) {
  return left == right || (parse_endpoint(left) && parse_endpoint(left) == parse_endpoint(right));
}

void compare(const std::string& path, const std::string& document, const std::string& running, Sentences& sentences) {
  if (document == running) return;
  sentences.push_back(path + ": " + or_none(running) + " instead of " + or_none(document) + ", set with wg");
}

void compare_maps(const std::string& path, const DesiredPeer& document, const DesiredPeer& running,
                  Sentences& sentences) {
  std::map<std::string, const DesiredMap*> left;
  for (const DesiredMap& map : document.remote) left.emplace(map.real, &map);
  for (const DesiredMap& map : running.remote) {
    if (left.erase(map.real) == 0) sentences.push_back(path + ": " + map.real + " added with wg");
  }
  for (const auto& [real, map] : left) {
    sentences.push_back(path + ": " + real + ", seen as " + map->seen_as + ", removed with wg");
  }
}

void compare_peer(const DesiredPeer& document, const DesiredPeer& running, Sentences& sentences) {
  const std::string path = "peers[" + document.name + "]";
  if (!same_endpoint(document.endpoint, running.endpoint)) {
    compare(path + ".endpoint", document.endpoint, running.endpoint, sentences);
  }
  compare(path + ".persistentKeepalive", std::to_string(document.persistent_keepalive),
          std::to_string(running.persistent_keepalive), sentences);
  compare_maps(path + ".remote", document, running, sentences);
}

}  // namespace

std::vector<std::string> drift(const DesiredState& document, const DesiredState& running) {
  Sentences sentences;
  compare("tunnel.listenPort", port_of(document), port_of(running), sentences);
  std::map<std::string, const DesiredPeer*> left;
  for (const DesiredPeer& peer : running.peers) left.emplace(peer.name, &peer);
  for (const DesiredPeer& peer : document.peers) {
    const auto found = left.find(peer.name);
    if (found == left.end()) {
      sentences.push_back("peers[" + peer.name + "]: removed with wg");
      continue;
    }
    compare_peer(peer, *found->second, sentences);
    left.erase(found);
  }
  for (const auto& [name, peer] : left) sentences.push_back("peers[" + name + "]: added with wg");
  return sentences;
}

}  // namespace isthmus::config
