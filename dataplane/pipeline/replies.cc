#include "dataplane/pipeline/replies.h"

#include <algorithm>

#include "dataplane/packet/headers.h"
#include "dataplane/pipeline/tunnel_room.h"

namespace isthmus::pipeline {
namespace {

// The packet's memory becomes the error's.
void move_into_error(Packet& packet, PacketBurst& errors, IcmpErrorKind kind, Ipv4Address sender, std::uint16_t mtu) {
  Packet& error = errors.add();
  error = packet;
  packet.buffer = nullptr;
  make_icmp_error(error, kind, sender, mtu);
}

bool usable(const tunnel::Session* session, Instant now) { return session != nullptr && !session->expired(now); }

}  // namespace

bool Replies::Rate::allows(Instant now) {
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
  if (!burst.full() && deserves_icmp_error(packet) && to_cluster_rate_.allows(now)) {
    move_into_error(packet, burst, kind, sender, mtu);
  }
  packet.drop = reason;
}

void Replies::answer_peer(Packet& packet, DropReason reason, IcmpErrorKind kind, tunnel::Session* sending,
                          Instant now) {
  if (usable(sending, now) && !to_peers.full() && deserves_icmp_error(packet) &&
      has_tunnel_room(packet, kIcmpErrorHeaders) && to_peers_rate_.allows(now)) {
    packet.session = sending;
    move_into_error(packet, to_peers, kind, Ipv4Address{packet.header<Ipv4Header>()->destination}, 0);
  }
  packet.drop = reason;
}

}  // namespace isthmus::pipeline
