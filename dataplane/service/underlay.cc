#include "dataplane/service/underlay.h"

#include <cstring>

namespace isthmus::service {

using pipeline::OuterHeader;

namespace {

OuterHeader make_header(const NextHopSource::Path& path, std::uint16_t listen_port, const Endpoint& destination) {
  return OuterHeader({.source_mac = path.source_mac,
                      .next_hop_mac = path.next_hop_mac,
                      .source = path.source,
                      .source_port = listen_port,
                      .destination = destination});
}

}  // namespace

void Underlay::use(NextHopSource& next_hops, std::uint16_t listen_port) {
  const bool same = next_hops_ == &next_hops && listen_port_ == listen_port;
  next_hops_ = &next_hops;
  listen_port_ = listen_port;
  if (same) return;
  for (const auto& [name, peer] : plane_.registry.names()) plane_.registry[peer].path.reset();
  next_hops_changed();
}

std::optional<OuterHeader> Underlay::header_to(const Endpoint& destination) {
  const auto path = next_hops_->path_to(destination.address);
  if (!path) return std::nullopt;
  return make_header(*path, listen_port_, destination);
}

void Underlay::send(PeerIndex peer, const Endpoint& destination, std::span<const std::uint8_t> message) {
  const auto header = header_to(destination);
  if (!header) {
    if (plane_.registry.known(peer)) {
      plane_.registry[peer].pending.assign(message.begin(), message.end());
      plane_.registry[peer].pending_to = destination;
    }
    return;
  }
  pipeline::ToWorker item{pipeline::ToWorker::Kind::kTransmitUnderlay, {}};
  if (!plane_.forwarder.pool().allocate(item.packet)) return;
  item.packet.resize(message.size());
  std::memcpy(item.packet.data, message.data(), message.size());
  header->put_on(item.packet, ++identification_);
  plane_.to_worker(item);
}

void Underlay::endpoint_changed(PeerIndex peer, const Endpoint& endpoint) {
  plane_.registry[peer].endpoint = endpoint;
  plane_.registry[peer].path.reset();
  rebuild(peer);
}

void Underlay::rebuild(PeerIndex peer) {
  PeerRecord& record = plane_.registry[peer];
  if (!record.endpoint || next_hops_ == nullptr) return;
  const auto path = next_hops_->path_to(record.endpoint->address);
  // An old way is better than none: it is replaced when a new one is known.
  if (!path || path == record.path) return;
  record.path = path;
  const auto* old = plane_.state(peer).outer.exchange(
      new OuterHeader(make_header(*path, listen_port_, *record.endpoint)), std::memory_order_acq_rel);
  if (old != nullptr) plane_.forwarder.reclaimer().retire([old] { delete old; });
}

void Underlay::next_hops_changed() {
  if (next_hops_ == nullptr) return;
  plane_.shared.underlay.publish(next_hops_->snapshot(), plane_.forwarder.reclaimer());
  for (const auto& [name, peer] : plane_.registry.names()) {
    rebuild(peer);
    PeerRecord& record = plane_.registry[peer];
    if (record.pending_to && next_hops_->path_to(record.pending_to->address)) {
      const Endpoint destination = *record.pending_to;
      record.pending_to.reset();
      send(peer, destination, std::exchange(record.pending, {}));
    }
  }
}

void Underlay::forget(PeerIndex peer) {
  const auto* old = plane_.state(peer).outer.exchange(nullptr, std::memory_order_acq_rel);
  if (old != nullptr) plane_.forwarder.reclaimer().retire([old] { delete old; });
}

}  // namespace isthmus::service
