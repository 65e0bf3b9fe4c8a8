#include "control/endpoint_policy.h"

#include <algorithm>
#include <utility>

#include "dataplane/config/field_check.h"

namespace isthmus::control {

using config::EndpointRequest;
using config::LogLevel;
using config::PeerStatus;
using config::PortStatus;

namespace {

bool down(const PeerStatus& peer) {
  return !peer.connected || peer.handshake_pending_seconds >= EndpointPolicy::kHandshakePatience;
}

// No peer can be at such an address, whatever the DNS server says.
std::string unusable(const IpAddress& address) {
  const std::string range = config::special_range(address);
  return range.empty() ? "" : to_string(address) + " is an address of " + range;
}

// The underlay port has an address of this kind, so it can send there. A port that has none yet may get any.
bool port_reaches(const std::vector<PortStatus>& ports, const IpAddress& address) {
  bool has_addresses = false;
  for (const PortStatus& port : ports) {
    if (port.role != "underlay") continue;
    for (const std::string& text : port.addresses) {
      const auto own = parse_interface_address(text);
      if (!own || config::special_range(own->address).starts_with("link-local")) continue;
      has_addresses = true;
      if (own->address.index() == address.index()) return true;
    }
  }
  return !has_addresses;
}

}  // namespace

void EndpointPolicy::follow(const std::vector<config::PeerConfig>& peers) {
  peers_.clear();
  for (auto& [name, host] : hosts_) host.wanted = false;
  for (const config::PeerConfig& peer : peers) {
    if (!peer.endpoint_name) continue;
    peers_[peer.name].name = *peer.endpoint_name;
    Host& host = hosts_[peer.endpoint_name->host];
    host.wanted = true;
    if (!host.asking) host.asked.reset();
  }
  std::erase_if(hosts_, [](const auto& entry) { return !entry.second.wanted && !entry.second.asking; });
}

EndpointPolicy::Step EndpointPolicy::step(const config::Status& status, Time now) {
  Step step;
  std::map<std::string, bool> any_down;  // by host
  for (const PeerStatus& words : status.peers) {
    const auto found = peers_.find(words.name);
    // A status from before the document does not know the peer, or not by this name.
    if (found == peers_.end() || words.endpoint_name != to_string(found->second.name)) continue;
    Peer& peer = found->second;
    any_down[peer.name.host] |= down(words);
    if (!peer.undecided || hosts_[peer.name.host].addresses.empty()) continue;
    peer.undecided = false;
    if (auto request = decide(words, peer, status.ports)) step.endpoints.push_back(std::move(*request));
  }
  for (auto& [name, host] : hosts_) {
    // What is known about the trouble says more.
    if (host.asking && now - *host.asked >= kPatience && host.trouble.empty()) {
      set_trouble(host, name, "no answer within 5 s");
    }
    if (!lookup_due(host, any_down[name], now)) continue;
    host.asked = now;
    host.asking = true;
    step.lookups.push_back(name);
  }
  return step;
}

bool EndpointPolicy::lookup_due(const Host& host, bool down, Time now) const {
  if (host.asking || !host.wanted) return false;
  return !host.asked || now - *host.asked >= (down ? kEveryWhileDown : kEvery);
}

// Many answers may be right, and the address in use has the best claim: changing it needs a reason. But what was
// learned from a peer that does not answer any more is worth less than what its name says.
std::optional<EndpointRequest> EndpointPolicy::decide(const PeerStatus& status, const Peer& peer,
                                                      const std::vector<PortStatus>& ports) const {
  const std::vector<IpAddress>& addresses = hosts_.at(peer.name.host).addresses;
  const std::optional<Endpoint> in_use = parse_endpoint(status.endpoint);
  auto chosen = addresses.end();
  if (in_use) chosen = std::find(addresses.begin(), addresses.end(), in_use->address);
  if (chosen != addresses.end() && !down(status)) return std::nullopt;
  if (chosen == addresses.end()) {
    chosen = std::find_if(addresses.begin(), addresses.end(),
                          [&](const IpAddress& address) { return port_reaches(ports, address); });
  }
  if (chosen == addresses.end()) chosen = addresses.begin();
  const Endpoint endpoint{*chosen, peer.name.port};
  if (peer.given == endpoint && (!down(status) || in_use == endpoint)) return std::nullopt;
  return EndpointRequest{.peer = status.name, .endpoint = to_string(endpoint), .anew = down(status)};
}

void EndpointPolicy::answered(const std::string& name, Answer answer) {
  const auto found = hosts_.find(name);
  if (found == hosts_.end()) return;
  Host& host = found->second;
  host.asking = false;
  if (!host.wanted) return void(hosts_.erase(found));  // the document has changed meanwhile
  if (!answer.error.empty()) return set_trouble(host, name, answer.error);
  std::string why = "the answer is empty";
  std::erase_if(answer.addresses, [&why](const IpAddress& address) {
    const std::string fault = unusable(address);
    if (!fault.empty()) why = fault;
    return !fault.empty();
  });
  if (answer.addresses.empty()) return set_trouble(host, name, why);
  set_trouble(host, name, "");
  host.addresses = std::move(answer.addresses);
  for (auto& [peer_name, peer] : peers_) peer.undecided |= peer.name.host == name;
}

void EndpointPolicy::taken(const EndpointRequest& request) {
  const auto peer = peers_.find(request.peer);
  if (peer == peers_.end()) return;
  peer->second.given = parse_endpoint(request.endpoint);
  peer->second.trouble.clear();
}

void EndpointPolicy::refused(const EndpointRequest& request, const std::string& why) {
  const auto peer = peers_.find(request.peer);
  if (peer == peers_.end()) return;
  peer->second.given.reset();
  peer->second.undecided = true;
  if (std::exchange(peer->second.trouble, why) == why) return;
  notices_.push_back({LogLevel::kWarning, "the data plane refuses an endpoint", to_string(peer->second.name), why,
                      "it is tried again every second; see the data plane's log"});
}

// Told once, however often it fails in the same way.
void EndpointPolicy::set_trouble(Host& host, const std::string& name, const std::string& trouble) {
  if (std::exchange(host.trouble, trouble) == trouble) return;
  if (trouble.empty()) {
    notices_.push_back({LogLevel::kInfo, "an endpoint's name has an address again", name, "", ""});
  } else {
    notices_.push_back({LogLevel::kWarning, "an endpoint's name has no address", name, trouble,
                        "check the name and the DNS server of this pod; the last good address stays in use"});
  }
}

std::string EndpointPolicy::trouble_of(const std::string& host) const {
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? "" : found->second.trouble;
}

}  // namespace isthmus::control
