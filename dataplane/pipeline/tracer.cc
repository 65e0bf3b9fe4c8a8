#include "dataplane/pipeline/tracer.h"

#include <algorithm>

#include "dataplane/packet/headers.h"

namespace isthmus::pipeline {

void Tracer::ask(std::uint32_t count, std::optional<Ipv4Address> address) {
  address_.store(address ? address->value : kAnyAddress, std::memory_order_relaxed);
  wanted_.store(std::min(count, kMostPackets), std::memory_order_release);
}

void Tracer::begin_walk() { followed_.fill(0); }

bool Tracer::matches(const Packet& packet) const {
  if (packet.length < sizeof(Ipv4Header)) return false;
  const std::uint64_t address = address_.load(std::memory_order_relaxed);
  const auto& ip = *packet.header<Ipv4Header>();
  return address == kAnyAddress || ip.source == address || ip.destination == address;
}

void Tracer::look(PacketBurst& burst, Direction direction, std::string_view stage, bool shows_inner) {
  std::uint32_t wanted = wanted_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < burst.size(); ++i) {
    Packet& packet = burst[i];
    if (followed_[i] == 0) {
      if (wanted == 0 || !shows_inner || !packet.walks() || !matches(packet)) continue;
      --wanted;
      wanted_.fetch_sub(1, std::memory_order_relaxed);
      followed_[i] = ++numbered_;
    }
    TraceRecord record{.packet = followed_[i],
                       .direction = direction,
                       .stage = stage,
                       .shows_inner = shows_inner,
                       .length = static_cast<std::uint16_t>(packet.length),
                       .drop = packet.drop,
                       .punt = packet.punt};
    if (shows_inner && packet.walks()) {
      record.source = {packet.header<Ipv4Header>()->source};
      record.destination = {packet.header<Ipv4Header>()->destination};
    }
    records_.push(record);  // a full queue loses records, never packets
    if (!packet.walks()) followed_[i] = 0;
  }
}

}  // namespace isthmus::pipeline
