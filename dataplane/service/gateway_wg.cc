// The gateway for `wg`. What it changes is an edit of the running document: validated as a document is and committed as
// one, so every rule of a document holds. The keys that it brings stay in memory.

#include <algorithm>
#include <chrono>
#include <map>

#include "dataplane/config/drift.h"
#include "dataplane/config/log.h"
#include "dataplane/service/gateway.h"

namespace isthmus::service {

using config::ConfigErrors;
using config::LogLevel;
using config::ValidatedConfig;
using config::WgError;

namespace {

// `wg` knows no places in a document: "peers[3]" becomes "peers[netlab]".
std::string with_names(std::string sentence, const config::DesiredState& state) {
  constexpr std::string_view kPeers = "peers[";
  for (std::size_t at = 0; (at = sentence.find(kPeers, at)) != std::string::npos;) {
    at += kPeers.size();
    std::size_t index = 0;
    std::size_t end = at;
    for (; end < sentence.size() && sentence[end] >= '0' && sentence[end] <= '9'; ++end) {
      index = 10 * index + static_cast<std::size_t>(sentence[end] - '0');
    }
    if (end != at && index < state.peers.size()) sentence.replace(at, end - at, state.peers[index].name);
  }
  return sentence;
}

WgError refusal(const ConfigErrors& errors, const config::DesiredState& state) {
  return {EINVAL, with_names(config::to_string(errors.front()), state)};
}

std::map<std::string, const config::PeerStatus*> by_name(const config::Status& status) {
  std::map<std::string, const config::PeerStatus*> peers;
  for (const config::PeerStatus& peer : status.peers) peers.emplace(peer.name, &peer);
  return peers;
}

}  // namespace

void Gateway::serve_wg(const std::string& directory) {
  wg_interface_ = std::make_unique<WgInterface>(context_, directory,
                                                [this](std::string_view request) { return answer_wg(request); });
}

config::SecretText Gateway::answer_wg(std::string_view request) {
  const auto parsed = config::parse_wg_request(request);
  if (!config_) return config::wg_answer(ENODEV);
  if (std::holds_alternative<config::WgGet>(parsed)) return config::wg_answer(wg_device());
  std::optional<WgError> error;
  if (const auto* mistake = std::get_if<WgError>(&parsed)) error = *mistake;
  if (const auto* edit = std::get_if<config::WgEdit>(&parsed)) error = change_with_wg(*edit);
  if (error) config::log_event(LogLevel::kWarning, "a change with wg is refused", {{"error", error->why}});
  return config::wg_answer(error ? error->number : 0);
}

// Of a peer's lanes the first one's endpoint, the newest handshake and the sum of the bytes.
config::WgDevice Gateway::wg_device() {
  const config::Status now = status();
  const auto peers = by_name(now);
  config::WgDevice device{.private_key = secrets_->private_key, .listen_port = config_->listen_ports.front()};
  for (std::size_t i = 0; i < config_->peers.size(); ++i) {
    const config::PeerConfig& peer = config_->peers[i];
    const config::PeerStatus& state = *peers.at(peer.name);
    const auto keepalive = std::chrono::duration_cast<std::chrono::seconds>(peer.persistent_keepalive).count();
    config::WgPeer& words = device.peers.emplace_back();
    words = {.public_key = peer.public_key,
             .preshared_key = secrets_->preshared[i],
             .endpoint = state.endpoint,
             .last_handshake_seconds = state.last_handshake_seconds,
             .received_bytes = state.receive_bytes,
             .sent_bytes = state.transmit_bytes,
             .persistent_keepalive = static_cast<std::uint16_t>(keepalive)};
    for (const nat::PrefixMap& map : peer.remote) words.allowed_ips.push_back(map.real);
  }
  return device;
}

// As with a document, everything that can fail comes first.
std::optional<WgError> Gateway::change_with_wg(const config::WgEdit& wanted) {
  const config::WgEdited edited = config::edit(document_->desired, *desired_, wanted);
  const auto validated = config::validate(edited.state);
  if (const auto* errors = std::get_if<ConfigErrors>(&validated)) return refusal(*errors, edited.state);
  const auto& next = std::get<ValidatedConfig>(validated);
  const Secrets secrets = edited_secrets(next, wanted, edited);
  if (secrets.private_key == tunnel::SecretKey{}) return WgError{EINVAL, "a gateway cannot be without a private key"};
  if (const ConfigErrors errors = refuse_own_key(next, secrets.private_key); !errors.empty()) {
    return refusal(errors, edited.state);
  }
  if (plane_.registry.free_places() < next.peers.size()) {
    return WgError{EBUSY, "earlier peers are still being removed; try again"};
  }
  if (config_ != next || secrets_ != secrets) {
    commit(next, secrets);
    desired_ = edited.state;
    config::log_event(LogLevel::kInfo, "configuration changed with wg",
                      {{"differences", std::to_string(drift().size())}, {"peers", std::to_string(next.peers.size())}});
  }
  move_lanes(wanted);
  return std::nullopt;
}

Gateway::Secrets Gateway::edited_secrets(const ValidatedConfig& next, const config::WgEdit& wanted,
                                         const config::WgEdited& edited) const {
  std::map<std::string, tunnel::SecretKey> preshared = edited.preshared_keys;
  for (std::size_t i = 0; i < config_->peers.size(); ++i) {
    preshared.emplace(config_->peers[i].name, secrets_->preshared[i]);
  }
  Secrets secrets{.private_key = wanted.private_key.value_or(secrets_->private_key)};
  for (const config::PeerConfig& peer : next.peers) secrets.preshared.push_back(preshared.at(peer.name));
  return secrets;
}

// An endpoint that is configured already is wanted nevertheless: the peer may have roamed away from it.
void Gateway::move_lanes(const config::WgEdit& wanted) {
  std::map<tunnel::PublicKey, const config::PeerConfig*> peers;
  for (const config::PeerConfig& peer : config_->peers) peers.emplace(peer.public_key, &peer);
  for (const config::WgPeerEdit& edit : wanted.peers) {
    const auto found = peers.find(edit.public_key);
    if (!edit.endpoint || found == peers.end()) continue;
    const config::PeerConfig& peer = *found->second;
    const PeerIndex place = plane_.registry.find(peer.name).value();
    for (std::uint32_t number = 0; number < peer.endpoint_ports.size(); ++number) {
      tunnel_service_.tunnel().roam({place, number}, {edit.endpoint->address, peer.endpoint_ports[number]});
    }
  }
}

// Never a secret: only that it is another.
std::vector<std::string> Gateway::drift() const {
  if (!document_ || (document_->desired == desired_ && document_->secrets == secrets_)) return {};
  std::vector<std::string> sentences = config::drift(document_->desired, *desired_);
  if (document_->secrets.private_key != secrets_->private_key) sentences.emplace_back("privateKey: set with wg");
  std::map<std::string, const tunnel::SecretKey*> preshared;
  for (std::size_t i = 0; i < document_->desired.peers.size(); ++i) {
    preshared.emplace(document_->desired.peers[i].name, &document_->secrets.preshared[i]);
  }
  for (std::size_t i = 0; i < config_->peers.size(); ++i) {
    const std::string& name = config_->peers[i].name;
    const auto documented = preshared.find(name);
    if (documented == preshared.end() || *documented->second == secrets_->preshared[i]) continue;
    sentences.push_back("peers[" + name + "].presharedKey: set with wg");
  }
  return sentences;
}

}  // namespace isthmus::service
