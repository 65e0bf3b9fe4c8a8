#include "dataplane/pipeline/replies.h"

#include <algorithm>

namespace isthmus::pipeline {

bool Replies::allowed(Instant now) {
  using namespace std::chrono_literals;
  const std::int64_t earned = (now - refilled_) / (Duration{1s} / kPerSecond);
  if (earned > 0) {
    tokens_ = std::min(kPerSecond, tokens_ + earned);
    refilled_ = now;
  }
  if (tokens_ == 0) return false;
  --tokens_;
  return true;
}

void Replies::answer(Packet& packet, DropReason reason, IcmpErrorKind kind, Ipv4Address sender, std::uint16_t mtu,
                     Instant now) {
  if (!burst.full() && deserves_icmp_error(packet) && allowed(now)) {
    Packet& error = burst.add();
    error = packet;
    packet.buffer = nullptr;
    make_icmp_error(error, kind, sender, mtu);
  }
  packet.drop = reason;
}

}  // namespace isthmus::pipeline
