#include "dataplane/service/underlay.h"

#include <cstring>
#include <utility>

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

void Underlay::use(NextHopSource& next_hops, const std::vector<std::uint16_t>& listen_ports) {
  const bool same = next_hops_ == &next_hops && listen_ports_ == listen_ports;
  next_hops_ = &next_hops;
  listen_ports_ = listen_ports;
  if (same) return;
  for (const auto& [name, peer] : plane_.registry.names()) {
    for (LaneRecord& lane : plane_.registry[peer].lanes) lane.path.reset();
  }
  next_hops_changed();
}

void Underlay::send(LaneId lane, const Endpoint& destination, std::span<const std::uint8_t> message) {
  const auto path = next_hops_->path_to(destination.address);
  if (!path) {
    if (plane_.registry.known(lane)) {
      plane_.registry[lane].pending.assign(message.begin(), message.end());
      plane_.registry[lane].pending_to = destination;
    }
    return;
  }
  pipeline::ToWorker item{pipeline::ToWorker::Kind::kTransmitUnderlay, {}};
  if (!plane_.forwarder.pool().allocate(item.packet)) return;
  item.packet.resize(message.size());
  std::memcpy(item.packet.data, message.data(), message.size());
  make_header(*path, listen_ports_[lane.number], destination).put_on(item.packet, ++identification_);
  plane_.to_worker(item);
}

void Underlay::endpoint_changed(LaneId lane, const Endpoint& endpoint) {
  plane_.registry[lane].endpoint = endpoint;
  plane_.registry[lane].path.reset();
  rebuild(lane);
}

void Underlay::rebuild(LaneId lane) {
  LaneRecord& record = plane_.registry[lane];
  if (!record.endpoint || next_hops_ == nullptr || lane.number >= listen_ports_.size()) return;
  const auto path = next_hops_->path_to(record.endpoint->address);
  // An old way is better than none: it is replaced when a new one is known.
  if (!path || path == record.path) return;
  record.path = path;
  const auto* old = plane_.state(lane).outer.exchange(
      new OuterHeader(make_header(*path, listen_ports_[lane.number], *record.endpoint)), std::memory_order_acq_rel);
  if (old != nullptr) plane_.forwarder.reclaimer().retire([old] { delete old; });
}

void Underlay::next_hops_changed() {
  if (next_hops_ == nullptr) return;
  plane_.shared.underlay.publish(next_hops_->snapshot(), plane_.forwarder.reclaimer());
  for (const auto& [name, peer] : plane_.registry.names()) {
    const auto lanes = static_cast<std::uint32_t>(plane_.registry[peer].lanes.size());
    for (std::uint32_t number = 0; number < lanes; ++number) next_hops_changed({peer, number});
  }
}

void Underlay::next_hops_changed(LaneId lane) {
  rebuild(lane);
  LaneRecord& record = plane_.registry[lane];
  if (!record.pending_to || !next_hops_->path_to(record.pending_to->address)) return;
  const Endpoint destination = *record.pending_to;
  record.pending_to.reset();
  send(lane, destination, std::exchange(record.pending, {}));
}

void Underlay::forget(LaneId lane) {
  const auto* old = plane_.state(lane).outer.exchange(nullptr, std::memory_order_acq_rel);
  if (old != nullptr) plane_.forwarder.reclaimer().retire([old] { delete old; });
}

}  // namespace isthmus::service
