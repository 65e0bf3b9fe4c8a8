#pragma once
// ICMP errors about packets that die on the way out of the cluster: the gateway's answers to its own cluster.

#include <cstdint>

#include "dataplane/packet/icmp_error.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/time.h"

namespace isthmus::pipeline {

class Replies {
 public:
  PacketBurst burst;  // the errors, data at their IP header; sent back through the cluster port after the walk

  // `packet` dies for `reason`; where it deserves an answer and the rate allows one, its memory becomes the answer.
  void answer(Packet& packet, DropReason reason, IcmpErrorKind kind, Ipv4Address sender, std::uint16_t mtu,
              Instant now);

 private:
  bool allowed(Instant now);

  // RFC 1812 section 4.3.2.8: a token bucket, kPerSecond tokens wide.
  static constexpr std::int64_t kPerSecond = 1000;
  std::int64_t tokens_ = kPerSecond;
  Instant refilled_{};
};

}  // namespace isthmus::pipeline
