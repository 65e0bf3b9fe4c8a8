#include "dataplane/service/tunnel_service.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "dataplane/config/log.h"
#include "dataplane/pipeline/outer_header.h"
#include "dataplane/pipeline/seal.h"
#include "tunnel/handshake_gate.h"

namespace isthmus::service {

TunnelService::TunnelService(DataPlane& plane, Underlay& underlay, WaitingRoom& waiting)
    : plane_(plane),
      underlay_(underlay),
      waiting_(waiting),
      aead_(tunnel::make_burst_aead(tunnel::AeadChoice::kPortable)),
      tunnel_(*this, plane.shared.sessions) {
  fill_random(source_hash_.bytes);
}

void TunnelService::receive(const pipeline::HandshakeMessage& message) {
  const auto number = plane_.shared.tables.load()->lane_number(message.port);
  if (!number) return;  // the port was given up while the message was on its way to us
  tunnel_.receive(message.message(), message.source, *number, plane_.now());
}

void TunnelService::publish_gate_keys() {
  tunnel::GateKeys keys{tunnel_.checkers(plane_.now().instant), tunnel::MacKey(source_hash_.bytes)};
  const tunnel::GateKeys* published = plane_.shared.gate_keys.load();
  if (published != nullptr && *published == keys) return;
  plane_.shared.gate_keys.publish(std::make_unique<tunnel::GateKeys>(std::move(keys)), plane_.forwarder.reclaimer());
}

void TunnelService::keep_lanes_up() {
  const tunnel::Now now = plane_.now();
  for (const auto& [name, peer] : plane_.registry.names()) {
    const auto lanes = static_cast<std::uint32_t>(plane_.registry[peer].lanes.size());
    if (lanes == 1) continue;
    bool sends = false;
    for (std::uint32_t number = 0; number < lanes; ++number) {
      const Instant sent = plane_.state(LaneId{peer, number}).link.data_sent.get();
      sends = sends || now.instant - sent < tunnel::kKeepaliveTimeout;
    }
    for (std::uint32_t number = 0; sends && number < lanes; ++number) tunnel_.want_session({peer, number}, now);
  }
}

void TunnelService::send(LaneId lane, const Endpoint& destination, std::span<const std::uint8_t> message) {
  underlay_.send(lane, destination, message);
}

void TunnelService::send_keepalive(LaneId lane, tunnel::Session& session) {
  const pipeline::OuterHeader* outer = plane_.state(lane).outer.load(std::memory_order_acquire);
  pipeline::ToWorker item{pipeline::ToWorker::Kind::kTransmitUnderlay, {}};
  if (outer == nullptr || !plane_.forwarder.pool().allocate(item.packet)) return;
  if (!pipeline::seal_keepalive(session, *aead_, item.packet)) {
    plane_.forwarder.pool().release(item.packet);
    return;
  }
  outer->put_on(item.packet, 0);
  if (!plane_.to_worker(item)) return;
  plane_.state(lane).link.any_sent.set(plane_.now().instant);
  plane_.registry[lane.peer].keepalive_bytes += tunnel::kDataOverhead;
}

std::string TunnelService::in_words(LaneId lane) const {
  const PeerRecord& record = plane_.registry[lane.peer];
  return record.lanes.size() == 1 ? record.name : record.name + " lane " + std::to_string(lane.number);
}

void TunnelService::endpoint_changed(LaneId lane, const Endpoint& endpoint) {
  const LaneRecord& record = plane_.registry[lane];
  if (record.endpoint != endpoint) {
    config::log_event(config::LogLevel::kInfo, "endpoint changed",
                      {{"peer", in_words(lane)},
                       {"from", record.endpoint ? to_string(*record.endpoint) : "none"},
                       {"to", to_string(endpoint)}});
  }
  underlay_.endpoint_changed(lane, endpoint);
}

void TunnelService::session_ready(LaneId lane) {
  config::log_event(config::LogLevel::kInfo, "session ready", {{"peer", in_words(lane)}});
  waiting_.resume({HeldFor::What::kSession, static_cast<std::uint32_t>(lane.peer)});
}

void TunnelService::session_failed(LaneId lane) {
  config::log_event(
      config::LogLevel::kWarning, "peer does not answer",
      {{"peer", in_words(lane)}, {"advice", "check its endpoint, that UDP gets through, and the keys of both sides"}});
  if (plane_.state(lane.peer).usable_lanes.load(std::memory_order_relaxed) != 0) return;
  waiting_.give_up({HeldFor::What::kSession, static_cast<std::uint32_t>(lane.peer)}, DropReason::kNoSession);
}

void TunnelService::usable_changed(LaneId lane, bool usable) {
  std::atomic<std::uint64_t>& lanes = plane_.state(lane.peer).usable_lanes;
  const std::uint64_t bit = std::uint64_t{1} << lane.number;
  const std::uint64_t before = lanes.load(std::memory_order_relaxed);
  lanes.store(usable ? before | bit : before & ~bit, std::memory_order_relaxed);
  if (plane_.registry[lane.peer].lanes.size() == 1) return;
  config::log_event(config::LogLevel::kInfo, usable ? "lane in use" : "lane out of use", {{"peer", in_words(lane)}});
}

void TunnelService::arrivals(LaneId lane, const tunnel::ArrivalNews& news) {
  plane_.registry[lane.peer].arrivals.add(news);
}

// The peer's place is freed later than its sessions (Gateway::free_places): there is still somebody to count for.
void TunnelService::retire(std::unique_ptr<tunnel::Session> session) {
  plane_.forwarder.reclaimer().retire([this, old = session.release()] {
    arrivals(old->lane, old->arrivals.conclude(old->window));
    delete old;
  });
}

void TunnelService::fill_random(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace isthmus::service
