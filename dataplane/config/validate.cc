#include "dataplane/config/validate.h"

#include <algorithm>

#include "dataplane/config/address_plan.h"
#include "dataplane/config/field_check.h"
#include "dataplane/config/peer_check.h"
#include "dataplane/config/port_check.h"
#include "dataplane/config/view_plan.h"

namespace isthmus::config {
namespace {

constexpr std::size_t kMaxPeers = 4096;

// One document. The checks run in the document's order, so the errors stand in it too.
class Validation {
 public:
  explicit Validation(const DesiredState& desired) : desired_(desired) {}

  std::variant<ValidatedConfig, ConfigErrors> run() {
    check_head();
    check_ports();
    check_pods();
    check_tunnel();
    check_peers();
    if (!errors_.empty()) return std::move(errors_);
    return std::move(config_);
  }

 private:
  void check_head();
  void check_ports();
  void check_pods();
  void check_tunnel();
  void check_listen_ports();
  void check_peers();

  const DesiredState& desired_;
  ConfigErrors errors_;
  ValidatedConfig config_;
  bool pods_are_right_ = false;
};

void Validation::check_head() {
  if (desired_.api_version != kApiVersion) {
    const std::string found =
        desired_.api_version.empty() ? "is missing" : "'" + desired_.api_version + "' is not known";
    errors_.push_back({"apiVersion", found, std::string("write ") + kApiVersion});
  }
  check_name(desired_.name, "name", errors_);
  config_.name = desired_.name;
  check_file(desired_.private_key_file, "privateKeyFile",
             "write the file that `wg genkey` filled, such as /etc/isthmus/private.key", errors_);
  config_.private_key_file = desired_.private_key_file;
}

void Validation::check_ports() {
  config_.cluster_port = check_port(desired_.cluster_port, "ports.cluster", errors_);
  config_.underlay_port = check_port(desired_.underlay_port, "ports.underlay", errors_);
  check_ports_differ(desired_.cluster_port, desired_.underlay_port, errors_);
}

void Validation::check_pods() {
  const std::size_t before = errors_.size();
  if (desired_.pods.empty()) {
    errors_.push_back(
        {"pods", "is missing: nobody in this cluster could send", "write its pod CIDRs, such as [10.244.0.0/16]"});
  }
  AddressPlan pods;
  for (std::size_t i = 0; i < desired_.pods.size(); ++i) {
    const std::string path = item_path("pods", i);
    const auto prefix = check_unicast_prefix(desired_.pods[i], path, errors_);
    if (!prefix) continue;
    if (const auto clash = pods.clash(*prefix)) {
      errors_.push_back({path, desired_.pods[i] + " overlaps " + to_string(clash->prefix) + " of " + clash->owner,
                         "remove one of them"});
    }
    pods.claim(*prefix, path);
    config_.pods.push_back(*prefix);
  }
  pods_are_right_ = errors_.size() == before;
  for (std::size_t i = 0; i < desired_.reserved.size(); ++i) {
    const std::string path = item_path("reserved", i);
    const auto prefix = check_prefix(desired_.reserved[i], path, errors_);
    if (!prefix) continue;
    if (const auto clash = pods.clash(*prefix)) {
      errors_.push_back({path, desired_.reserved[i] + " overlaps " + to_string(clash->prefix) + " of " + clash->owner,
                         "write addresses that are not pods': those are kept free already"});
    }
    config_.reserved.push_back(*prefix);
  }
}

// The first choice is the default.
template <typename Enum>
Enum check_choice(const std::string& text, const char* path,
                  std::initializer_list<std::pair<std::string_view, Enum>> choices, ConfigErrors& errors) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (text == name) return value;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  errors.push_back({path, "'" + text + "' is not known", "write one of " + names});
  return choices.begin()->second;
}

void Validation::check_tunnel() {
  check_listen_ports();
  check_number(desired_.mtu, 576, 9000, "tunnel.mtu", errors_);
  using tunnel::AeadChoice;
  config_.polling = check_choice<Polling>(desired_.polling, "polling",
                                          {{"adaptive", Polling::kAdaptive}, {"busy", Polling::kBusy}}, errors_);
  config_.aead = check_choice<AeadChoice>(desired_.aead, "aead",
                                          {{"auto", AeadChoice::kAuto},
                                           {"portable", AeadChoice::kPortable},
                                           {"avx2", AeadChoice::kAvx2},
                                           {"avx512", AeadChoice::kAvx512}},
                                          errors_);
  check_listen_address(desired_.metrics_address, "metrics.address", errors_);
  config_.metrics_address = desired_.metrics_address;
}

void Validation::check_listen_ports() {
  const std::int64_t first = check_number(desired_.listen_port, 1, 65535, "tunnel.listenPort", errors_);
  const std::vector<std::int64_t>& listed = desired_.listen_ports;
  if (!listed.empty() && first != DesiredState{}.listen_port && first != listed.front()) {
    errors_.push_back({"tunnel.listenPort", std::to_string(first) + " is not the first of listenPorts",
                       "write one of the two fields only"});
  }
  std::size_t lanes = 1;  // what is wrong with a peer's number is told at that peer
  for (const DesiredPeer& peer : desired_.peers) {
    lanes = std::max(lanes, static_cast<std::size_t>(std::clamp<std::int64_t>(peer.lanes, 1, kMaxLanes)));
  }
  const std::string path = listed.empty() ? "tunnel.listenPort" : "tunnel.listenPorts";
  if (listed.size() > kMaxLanes) {
    errors_.push_back({path, "lists " + std::to_string(listed.size()) + " ports",
                       "write at most " + std::to_string(kMaxLanes) + ": a peer has no more lanes"});
    return;
  }
  config_.listen_ports = check_lane_ports(listed, first, lanes, path, errors_);
}

void Validation::check_peers() {
  if (desired_.peers.size() > kMaxPeers) {
    errors_.push_back({"peers", std::to_string(desired_.peers.size()) + " peers are too many",
                       "write at most " + std::to_string(kMaxPeers)});
  }
  AddressPlan views = plan_views(desired_, config_.cluster_port, config_.underlay_port);
  PeerChecker checker(desired_, pods_are_right_ ? config_.pods : std::vector<Ipv4Prefix>{}, views);
  for (std::size_t i = 0; i < desired_.peers.size(); ++i) {
    config_.peers.push_back(checker.check(desired_.peers[i], item_path("peers", i), errors_));
  }
}

}  // namespace

std::variant<ValidatedConfig, ConfigErrors> validate(const DesiredState& desired) { return Validation(desired).run(); }

std::string to_string(const ConfigError& error) {
  return (error.path.empty() ? "" : error.path + ": ") + error.message +
         (error.advice.empty() ? "" : "; " + error.advice);
}

}  // namespace isthmus::config
