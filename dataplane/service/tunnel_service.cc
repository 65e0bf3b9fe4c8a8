#include "dataplane/service/tunnel_service.h"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

#include "dataplane/config/log.h"
#include "dataplane/pipeline/outer_header.h"
#include "dataplane/pipeline/seal.h"

namespace isthmus::service {

TunnelService::TunnelService(DataPlane& plane, Underlay& underlay, WaitingRoom& waiting)
    : plane_(plane),
      underlay_(underlay),
      waiting_(waiting),
      aead_(tunnel::make_burst_aead(tunnel::AeadChoice::kPortable)),
      tunnel_(*this, plane.shared.sessions) {}

void TunnelService::receive(const Packet& message) {
  tunnel_.receive({message.data, message.length}, pipeline::outer_source(message), plane_.now());
}

void TunnelService::send(PeerIndex peer, const Endpoint& destination, std::span<const std::uint8_t> message) {
  underlay_.send(peer, destination, message);
}

void TunnelService::send_keepalive(PeerIndex peer, tunnel::Session& session) {
  const pipeline::OuterHeader* outer = plane_.state(peer).outer.load(std::memory_order_acquire);
  pipeline::ToWorker item{pipeline::ToWorker::Kind::kTransmitUnderlay, {}};
  if (outer == nullptr || !plane_.forwarder.pool().allocate(item.packet)) return;
  if (!pipeline::seal_keepalive(session, *aead_, item.packet)) {
    plane_.forwarder.pool().release(item.packet);
    return;
  }
  outer->put_on(item.packet, 0);
  if (!plane_.to_worker(item)) return;
  plane_.state(peer).link.any_sent.set(plane_.now().instant);
  plane_.registry[peer].keepalive_bytes += tunnel::kDataOverhead;
}

void TunnelService::endpoint_changed(PeerIndex peer, const Endpoint& endpoint) {
  const auto& record = plane_.registry[peer];
  if (record.endpoint != endpoint) {
    config::log_event(config::LogLevel::kInfo, "endpoint changed",
                      {{"peer", record.name},
                       {"from", record.endpoint ? to_string(*record.endpoint) : "none"},
                       {"to", to_string(endpoint)}});
  }
  underlay_.endpoint_changed(peer, endpoint);
}

void TunnelService::session_ready(PeerIndex peer) {
  config::log_event(config::LogLevel::kInfo, "session ready", {{"peer", plane_.registry[peer].name}});
  waiting_.resume({HeldFor::What::kSession, static_cast<std::uint32_t>(peer)});
}

void TunnelService::session_failed(PeerIndex peer) {
  config::log_event(config::LogLevel::kWarning, "peer does not answer",
                    {{"peer", plane_.registry[peer].name},
                     {"advice", "check its endpoint, that UDP gets through, and the keys of both sides"}});
  waiting_.give_up({HeldFor::What::kSession, static_cast<std::uint32_t>(peer)}, DropReason::kNoSession);
}

void TunnelService::retire(std::unique_ptr<tunnel::Session> session) {
  plane_.forwarder.reclaimer().retire([old = session.release()] { delete old; });
}

void TunnelService::fill_random(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace isthmus::service
