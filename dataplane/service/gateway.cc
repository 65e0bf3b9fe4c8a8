#include "dataplane/service/gateway.h"

#include <algorithm>
#include <set>
#include <utility>

#include "dataplane/config/compile.h"
#include "dataplane/config/field_check.h"
#include "dataplane/config/log.h"
#include "dataplane/service/device_next_hops.h"
#include "dataplane/service/kernel_next_hops.h"
#include "dataplane/service/secrets.h"
#include "dataplane/service/status.h"

namespace isthmus::service {

using config::ConfigError;
using config::ConfigErrors;
using config::LogLevel;
using config::ValidatedConfig;
using pipeline::ToService;
using pipeline::ToWorker;

namespace {

// The lane's endpoint, if the peer's address is known.
std::optional<Endpoint> endpoint_of(const PeerRecord& record, std::uint32_t lane) {
  std::optional<Endpoint> endpoint = record.config.endpoint_name ? record.resolved : record.config.endpoint;
  if (endpoint) endpoint->port = record.config.endpoint_ports[lane];
  return endpoint;
}

tunnel::PeerSettings settings_of(const PeerRecord& record, std::uint32_t lane, const tunnel::SecretKey& preshared) {
  return {.public_key = record.config.public_key,
          .preshared_key = preshared,
          .endpoint = endpoint_of(record, lane),
          .persistent_keepalive = record.config.persistent_keepalive};
}

// Why no tunnel can lead there; empty: it can.
std::string endpoint_fault(const std::string& text, const std::optional<Endpoint>& endpoint) {
  if (!endpoint) return "'" + text + "' is not an address and port";
  const std::string range = config::special_range(endpoint->address);
  return range.empty() ? "" : text + " is an address of " + range;
}

// At 130 us each: the service thread's other work waits for two milliseconds at most.
constexpr int kHandshakesAtATime = 16;

std::string peer_path(std::size_t index, const char* field) { return "peers[" + std::to_string(index) + "]." + field; }

}  // namespace

Gateway::Gateway(boost::asio::io_context& context, Forwarder& forwarder, std::function<tunnel::Now()> clock)
    : context_(context),
      plane_(forwarder, std::move(clock)),
      underlay_(plane_),
      waiting_(plane_),
      tunnel_service_(plane_, underlay_, waiting_),
      started_seconds_(static_cast<std::int64_t>(plane_.now().wall.seconds)) {}

Gateway::~Gateway() = default;

config::Response Gateway::handle(const config::Request& request) {
  switch (request.method) {
    case config::Method::kApply:
      if (!request.state) return {.error = "apply without a document"};
      return apply(*request.state);
    case config::Method::kState: {
      config::Response response{.generation = generation_};
      if (document_) response.state = document_->desired;
      return response;
    }
    case config::Method::kTrace:
      return trace(request.trace.value_or(config::TraceRequest{}));
    case config::Method::kEndpoint:
      return set_endpoint(request.endpoint.value_or(config::EndpointRequest{}));
    case config::Method::kStatus:
      break;
  }
  config::Response response{.generation = generation_};
  response.status = status();
  return response;
}

config::Status Gateway::status() {
  config::Status status = collect_status(plane_, waiting_, tunnel_service_.tunnel(),
                                         {.config = config_ ? &*config_ : nullptr,
                                          .cluster = cluster_source_.get(),
                                          .underlay = underlay_source_.get(),
                                          .generation = generation_,
                                          .started_seconds = started_seconds_});
  status.drift = drift();
  return status;
}

config::Response Gateway::trace(const config::TraceRequest& request) {
  config::Response response{.generation = generation_};
  const auto address = parse_ipv4(request.address);
  if (!address && !request.address.empty()) {
    response.error = request.address + " is not an IPv4 address";
    return response;
  }
  for (const auto& walker : plane_.forwarder.walkers()) {
    if (request.packets != 0) walker->tracer.ask(request.packets, address);
    for (pipeline::TraceRecord record; walker->tracer.take(record);) response.trace.push_back(in_words(record));
  }
  return response;
}

config::Response Gateway::set_endpoint(const config::EndpointRequest& request) {
  const auto refuse = [this](std::string why) {
    return config::Response{.error = std::move(why), .generation = generation_};
  };
  const std::optional<PeerIndex> place = plane_.registry.find(request.peer);
  if (!place) return refuse("no peer is called '" + request.peer + "'");
  PeerRecord& record = plane_.registry[*place];
  if (!record.config.endpoint_name) return refuse("the document has no endpoint name for " + request.peer);
  const std::optional<Endpoint> endpoint = parse_endpoint(request.endpoint);
  if (const std::string fault = endpoint_fault(request.endpoint, endpoint); !fault.empty()) return refuse(fault);

  const bool differs = record.resolved != endpoint;
  const bool changed = differs || (request.anew && record.lanes.front().endpoint != endpoint);
  record.resolved = endpoint;
  if (differs) {
    const auto peer = std::ranges::find(config_->peers, request.peer, &config::PeerConfig::name);
    update_lanes(*place, secrets_->preshared[static_cast<std::size_t>(peer - config_->peers.begin())], plane_.now());
  }
  for (std::uint32_t number = 0; request.anew && number < record.lanes.size(); ++number) {
    tunnel_service_.tunnel().roam({*place, number}, *endpoint_of(record, number));
  }
  return {.generation = generation_, .changed = changed};
}

// Everything that can fail comes first; what then changes cannot fail.
config::Response Gateway::apply(const config::DesiredState& desired) {
  const auto validated = config::validate(desired);
  if (const auto* errors = std::get_if<ConfigErrors>(&validated)) return {.errors = *errors, .generation = generation_};
  const auto& next = std::get<ValidatedConfig>(validated);
  const auto read = read_secrets(next);
  if (const auto* errors = std::get_if<ConfigErrors>(&read)) return {.errors = *errors, .generation = generation_};
  const auto& secrets = std::get<Secrets>(read);
  if (config_ == next && secrets_ == secrets) {
    remember(desired, secrets);
    return {.generation = generation_, .changed = false};
  }
  if (ConfigErrors errors = refuse_changes(next); !errors.empty()) {
    return {.errors = std::move(errors), .generation = generation_};
  }
  if (plane_.registry.free_places() < next.peers.size()) {
    return {.error = "peers of earlier documents are still being removed; apply again", .generation = generation_};
  }
  try {
    if (!config_) start(next);
  } catch (const std::exception& error) {
    return {.error = error.what(), .generation = generation_};
  }
  commit(next, secrets);
  remember(desired, secrets);
  ++generation_;
  config::log_event(LogLevel::kInfo, "configuration applied",
                    {{"generation", std::to_string(generation_)}, {"peers", std::to_string(next.peers.size())}});
  return {.generation = generation_, .changed = true};
}

// What `wg` had changed is over.
void Gateway::remember(const config::DesiredState& desired, const Secrets& secrets) {
  document_ = {desired, secrets};
  desired_ = desired;
  if (wg_interface_) wg_interface_->serve(desired.name);
}

std::variant<Gateway::Secrets, ConfigErrors> Gateway::read_secrets(const ValidatedConfig& config) const {
  Secrets secrets;
  ConfigErrors errors;
  const auto read = [&](const std::string& file, const std::string& path) -> tunnel::SecretKey {
    const auto secret = read_secret(file, path);
    if (const auto* error = std::get_if<ConfigError>(&secret)) {
      errors.push_back(*error);
      return {};
    }
    return std::get<tunnel::SecretKey>(secret);
  };
  secrets.private_key = read(config.private_key_file, "privateKeyFile");
  if (errors.empty()) errors = refuse_own_key(config, secrets.private_key);
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    const config::PeerConfig& peer = config.peers[i];
    secrets.preshared.push_back(peer.preshared_key_file.empty()
                                    ? tunnel::SecretKey{}
                                    : read(peer.preshared_key_file, peer_path(i, "presharedKeyFile")));
  }
  if (!errors.empty()) return errors;
  return secrets;
}

ConfigErrors Gateway::refuse_own_key(const ValidatedConfig& config, const tunnel::SecretKey& private_key) {
  ConfigErrors errors;
  const tunnel::PublicKey own = tunnel::public_key_of(private_key);
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    if (config.peers[i].public_key != own) continue;
    errors.push_back({peer_path(i, "publicKey"), "is this gateway's own public key", "write the peer's, not ours"});
  }
  return errors;
}

// What a running data plane cannot change without losing packets.
ConfigErrors Gateway::refuse_changes(const ValidatedConfig& next) const {
  ConfigErrors errors;
  if (!config_) return errors;
  const auto refuse = [&](bool changed, const char* path) {
    if (changed) {
      errors.push_back({path, "cannot change while the data plane runs",
                        "keep it, or stop isthmus-dp: isthmusd then starts it anew with this document"});
    }
  };
  refuse(next.cluster_port != config_->cluster_port, "ports.cluster");
  refuse(next.underlay_port != config_->underlay_port, "ports.underlay");
  refuse(next.aead != config_->aead, "aead");
  return errors;
}

void Gateway::start(const ValidatedConfig& config) {
  plane_.forwarder.start(config, plane_.shared);
  cluster_source_ = make_source(config.cluster_port, false);
  underlay_source_ = make_source(config.underlay_port, true);
}

std::unique_ptr<NextHopSource> Gateway::make_source(const config::PortConfig& port, bool underlay) {
  const Changed changed = [this, underlay] { underlay ? underlay_.next_hops_changed() : cluster_changed(); };
  if (const auto* kernel = std::get_if<config::KernelPort>(&port)) {
    auto& guard = *super_frame_guards_.emplace_back(std::make_unique<SuperFrameGuard>(kernel->interface));
    if (!guard.problem().empty()) config::log_event(LogLevel::kWarning, "super frames", {{"problem", guard.problem()}});
    return std::make_unique<KernelNextHops>(context_, kernel->interface, changed);
  }
  const auto& device = std::get<config::DevicePort>(port);
  const auto kind = underlay ? ToWorker::Kind::kTransmitUnderlay : ToWorker::Kind::kTransmitCluster;
  const auto send = [this, kind](const std::function<void(Packet&)>& write) {
    ToWorker item{kind, {}};
    if (!plane_.forwarder.pool().allocate(item.packet)) return;
    write(item.packet);
    plane_.to_worker(item);
  };
  const MacAddress mac = underlay ? plane_.forwarder.underlay_mac() : plane_.forwarder.cluster_mac();
  return std::make_unique<DeviceNextHops>(context_, mac, device.addresses, device.gateway, send, changed);
}

void Gateway::commit(const ValidatedConfig& next, const Secrets& secrets) {
  plane_.forwarder.set_polling(next.polling);
  const bool new_identity = !secrets_ || secrets_->private_key != secrets.private_key;
  if (new_identity) tunnel_service_.tunnel().set_identity(secrets.private_key);
  tunnel_service_.publish_gate_keys();
  const std::vector<PeerIndex> places = claim_places(next);
  guard_kernel(next);
  plane_.shared.tables.publish(std::make_unique<pipeline::ForwardingTables>(config::compile(next, places)),
                               plane_.forwarder.reclaimer());
  cluster_changed();
  underlay_.use(*underlay_source_, next.listen_ports);
  remove_missing_peers(next);
  update_peers(next, secrets, places);
  config_ = next;
  secrets_ = secrets;
}

std::vector<PeerIndex> Gateway::claim_places(const ValidatedConfig& next) {
  std::vector<PeerIndex> places;
  for (const config::PeerConfig& peer : next.peers) {
    places.push_back(plane_.registry.claim(peer.name));
    auto& state = plane_.shared.peers[static_cast<std::size_t>(places.back())];
    if (!state) state = std::make_unique<pipeline::PeerState>(plane_.forwarder.walkers().size());
    state->make_lanes(peer.lanes);
  }
  return places;
}

void Gateway::update_peers(const ValidatedConfig& next, const Secrets& secrets, const std::vector<PeerIndex>& places) {
  const tunnel::Now now = plane_.now();
  for (std::size_t i = 0; i < places.size(); ++i) {
    PeerRecord& record = plane_.registry[places[i]];
    if (record.config.endpoint_name != next.peers[i].endpoint_name) record.resolved.reset();
    record.config = next.peers[i];
    update_lanes(places[i], secrets.preshared[i], now);
  }
}

void Gateway::update_lanes(PeerIndex peer, const tunnel::SecretKey& preshared, const tunnel::Now& now) {
  PeerRecord& record = plane_.registry[peer];
  for (auto number = static_cast<std::uint32_t>(record.lanes.size()); number > record.config.lanes; --number) {
    remove_lane({peer, number - 1});
  }
  record.lanes.resize(record.config.lanes);
  tunnel::Tunnel& tunnel = tunnel_service_.tunnel();
  for (std::uint32_t number = 0; number < record.config.lanes; ++number) {
    const LaneId lane{peer, number};
    const tunnel::PeerSettings settings = settings_of(record, number, preshared);
    if (tunnel.has_peer(lane)) {
      tunnel.update_peer(lane, settings, now);
    } else {
      tunnel.add_peer(lane, settings, plane_.state(lane).link, now);
    }
  }
}

void Gateway::remove_lane(LaneId lane) {
  tunnel_service_.usable_changed(lane, false);
  tunnel_service_.tunnel().remove_peer(lane);
  underlay_.forget(lane);
}

void Gateway::remove_missing_peers(const ValidatedConfig& next) {
  std::set<std::string_view> staying;
  for (const config::PeerConfig& peer : next.peers) staying.insert(peer.name);
  const auto names = plane_.registry.names();  // a copy: forget changes the original
  for (const auto& [name, peer] : names) {
    if (staying.contains(name)) continue;
    waiting_.forget(peer);
    const auto lanes = static_cast<std::uint32_t>(plane_.registry[peer].lanes.size());
    for (std::uint32_t number = 0; number < lanes; ++number) remove_lane({peer, number});
    plane_.registry.forget(name);
    leaving_.push_back(peer);
  }
}

// A place is free when the workers have taken all mail that may name its peer, and let go of what they read since.
void Gateway::free_places() {
  const auto& walkers = plane_.forwarder.walkers();
  if (leaving_.empty() || std::ranges::any_of(walkers, [](const auto& w) { return w->mailbox.worker_has_mail(); }))
    return;
  plane_.forwarder.reclaimer().retire([this, places = std::exchange(leaving_, {})] {
    for (const PeerIndex place : places) {
      plane_.shared.peers[static_cast<std::size_t>(place)].reset();
      plane_.registry.release(place);
    }
  });
}

// Without the guard the gateway works, but the kernel answers what it also sees: the administrator is told.
void Gateway::guard_kernel(const ValidatedConfig& config) {
  GuardRules rules;
  if (const auto* port = std::get_if<config::KernelPort>(&config.underlay_port)) {
    rules.underlay_interface = port->interface;
    rules.udp_ports = config.listen_ports;
  }
  if (const auto* port = std::get_if<config::KernelPort>(&config.cluster_port)) {
    rules.cluster_interface = port->interface;
    for (const config::PeerConfig& peer : config.peers) {
      for (const nat::PrefixMap& map : peer.remote) rules.destinations.push_back(map.seen_as);
    }
  }
  if (rules.underlay_interface.empty() && rules.cluster_interface.empty()) return;
  try {
    if (!guard_) guard_ = std::make_unique<KernelGuard>(config.name);
    guard_->install(rules);
  } catch (const std::exception& error) {
    config::log_event(LogLevel::kWarning, "kernel guard missing",
                      {{"error", error.what()},
                       {"effect", "the kernel may answer tunnel packets with ICMP errors"},
                       {"advice", "grant CAP_NET_ADMIN"}});
  }
}

void Gateway::cluster_changed() {
  if (!cluster_source_) return;
  auto snapshot = cluster_source_->snapshot();
  const pipeline::NextHops& next_hops = *snapshot;
  plane_.shared.cluster.publish(std::move(snapshot), plane_.forwarder.reclaimer());
  waiting_.neighbours_changed(next_hops);
}

bool Gateway::take_mail() {
  ToService item;
  bool more = false;
  for (const auto& walker : plane_.forwarder.walkers()) {
    while (walker->mailbox.take_for_service(item)) take(item);
    more |= take_handshakes(walker->mailbox);
  }
  return more;
}

bool Gateway::take_handshakes(pipeline::Mailbox& mailbox) {
  pipeline::HandshakeMessage message;
  for (int taken = 0; taken < kHandshakesAtATime; ++taken) {
    if (!mailbox.take_handshake(message)) return false;
    tunnel_service_.receive(message);
  }
  return true;
}

void Gateway::take(ToService& item) {
  tunnel::Tunnel& tunnel = tunnel_service_.tunnel();
  const tunnel::Now now = plane_.now();
  if (item.kind == ToService::Kind::kConfirmed) return tunnel.confirm(item.local_index, now);
  if (item.kind == ToService::Kind::kRoamed) {
    if (plane_.registry.known(item.lane)) tunnel.roam(item.lane, item.endpoint);
    return;
  }
  Packet& packet = item.packet;
  switch (packet.punt) {
    case Punt::kAwaitSession:
      return await_session(item, now);
    case Punt::kAwaitNeighbour:
      waiting_.hold({HeldFor::What::kNextHop, packet.next_hop}, item, now.instant);
      cluster_source_->solicit(Ipv4Address{packet.next_hop});
      return;
    case Punt::kNeighbourMessage:
      (item.direction == pipeline::Direction::kOutbound ? cluster_source_ : underlay_source_)->receive(packet);
      break;
    default:
      break;
  }
  plane_.forwarder.pool().release(packet);
}

void Gateway::await_session(const ToService& item, const tunnel::Now& now) {
  const HeldFor session{HeldFor::What::kSession, static_cast<std::uint32_t>(item.peer)};
  waiting_.hold(session, item, now.instant);
  if (!plane_.registry.known(item.peer)) return;
  // The session may have come up between the worker's look and ours.
  if (plane_.state(item.peer).usable_lanes.load(std::memory_order_relaxed) != 0) return waiting_.resume(session);
  const auto lanes = static_cast<std::uint32_t>(plane_.registry[item.peer].lanes.size());
  for (std::uint32_t number = 0; number < lanes; ++number) {
    tunnel_service_.tunnel().want_session({item.peer, number}, now);
  }
}

void Gateway::tick() {
  if (!config_) return;
  take_mail();
  const tunnel::Now now = plane_.now();
  tunnel_service_.tunnel().tick(now);
  tunnel_service_.keep_lanes_up();
  tunnel_service_.publish_gate_keys();
  waiting_.expire(now.instant);
  free_places();
}

}  // namespace isthmus::service
