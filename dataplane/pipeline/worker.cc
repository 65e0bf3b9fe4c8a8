#include "dataplane/pipeline/worker.h"

#include <algorithm>

#include "dataplane/pipeline/outer_header.h"
#include "dataplane/pipeline/resolve_next_hop.h"
#include "dataplane/pipeline/tally.h"

namespace isthmus::pipeline {

bool Worker::run_once(Instant now) {
  walker_.load(now);
  if (!walker_.ready()) return false;
  constexpr std::uint32_t kFlowsLookedAt = 4;
  walker_.flows.expire(kFlowsLookedAt, now);
  const bool mail = walk_mail();
  const bool from_cluster = walk_port(Direction::kOutbound);
  const bool from_underlay = walk_port(Direction::kInbound);
  return mail || from_cluster || from_underlay;
}

bool Worker::walk_port(Direction direction) {
  const bool out = direction == Direction::kOutbound;
  burst_.clear();
  (out ? cluster_ : underlay_).receive(burst_);
  const std::size_t received = burst_.size();
  if (received == 0) return false;
  walk(walker_, burst_, direction);
  counters(direction).received.add(received);
  counters(direction).originated.add(burst_.size() - received);
  settle(burst_, direction, out ? underlay_ : cluster_);
  send_replies();
  send_replies_to_peers();
  send_cookies();
  return true;
}

bool Worker::walk_mail() {
  ToWorker item;
  ToWorker::Kind kind{};
  burst_.clear();
  std::size_t taken = 0;
  for (; taken < kBurst && walker_.mailbox.take_for_worker(item); ++taken) {
    if (burst_.size() != 0 && item.kind != kind) walk_mail_burst(kind);
    kind = item.kind;
    burst_.add() = item.packet;
  }
  if (burst_.size() != 0) walk_mail_burst(kind);
  return taken != 0;
}

void Worker::walk_mail_burst(ToWorker::Kind kind) {
  const bool out = kind == ToWorker::Kind::kTransmitUnderlay || kind == ToWorker::Kind::kResumeOutbound;
  const Direction direction = out ? Direction::kOutbound : Direction::kInbound;
  const std::size_t taken = burst_.size();
  if (kind == ToWorker::Kind::kResumeOutbound || kind == ToWorker::Kind::kResumeInbound) {
    counters(direction).resumed.add(taken);
    walk(walker_, burst_, direction, out ? "route_to_peer" : "resolve_next_hop");
    counters(direction).originated.add(burst_.size() - taken);
  } else {
    counters(direction).originated.add(taken);
  }
  settle(burst_, direction, out ? underlay_ : cluster_);
  send_replies();
  burst_.clear();
}

void Worker::send_replies() {
  PacketBurst& replies = walker_.replies.burst;
  if (replies.size() == 0) return;
  counters(Direction::kOutbound).originated.add(replies.size());
  for (Packet& packet : replies.all()) packet.peer = kNoPeer;
  resolve_next_hop(*walker_.cluster, replies);
  settle(replies, Direction::kOutbound, cluster_);
  replies.clear();
}

void Worker::send_replies_to_peers() {
  PacketBurst& replies = walker_.replies.to_peers;
  if (replies.size() == 0) return;
  counters(Direction::kOutbound).originated.add(replies.size());
  walk(walker_, replies, Direction::kOutbound, "seal");
  settle(replies, Direction::kOutbound, underlay_);
  replies.clear();
}

void Worker::send_cookies() {
  PacketBurst& cookies = walker_.cookies;
  if (cookies.size() == 0) return;
  counters(Direction::kOutbound).originated.add(cookies.size());
  settle(cookies, Direction::kOutbound, underlay_);
  cookies.clear();
}

void Worker::settle(PacketBurst& burst, Direction direction, Port& to) {
  counters(direction).transmitted.add(to.transmit(burst));
  Tally tally(walker_.shared.peers, walker_.index, direction);
  for (Packet& packet : burst.all()) {
    tally.count(packet);
    if (packet.punt != Punt::kNone) hand_over(packet, direction);
    if (packet.drop != DropReason::kNone) count_dead(packet, direction);
    if (packet.buffer != nullptr) walker_.pool.release(packet);
  }
}

void Worker::count_dead(Packet& packet, Direction direction) {
  const auto reason = static_cast<std::size_t>(packet.drop);
  WalkCounters& walk_counters = counters(direction);
  walk_counters.dropped.add(1);
  if (packet.peer == kNoPeer) {
    walk_counters.drops_without_peer[reason].add(1);
  } else {
    PeerState& peer = *walker_.shared.peers[static_cast<std::size_t>(packet.peer)];
    peer.counters[walker_.index][static_cast<std::size_t>(direction)].drops[reason].add(1);
  }
}

void Worker::hand_over(Packet& packet, Direction direction) {
  packet.drop = packet.punt == Punt::kHandshake ? post_handshake(packet) : post(packet, direction);
  if (packet.drop != DropReason::kNone) {
    packet.punt = Punt::kNone;
    return;
  }
  counters(direction).punts[static_cast<std::size_t>(packet.punt)].add(1);
}

DropReason Worker::post(Packet& packet, Direction direction) {
  if (packet.punt == Punt::kKeepalive || packet.punt == Punt::kNotOurs) return DropReason::kNone;
  packet.inner_length = 0;  // tallied; a packet that comes back is not tallied twice
  if (!walker_.mailbox.to_service({.direction = direction, .peer = packet.peer, .packet = packet})) {
    return DropReason::kServiceQueueFull;
  }
  packet.buffer = nullptr;
  return DropReason::kNone;
}

DropReason Worker::post_handshake(const Packet& packet) {
  HandshakeMessage message{.source = outer_source(packet),
                           .port = outer_destination_port(packet),
                           .length = static_cast<std::uint16_t>(packet.length)};
  std::copy_n(packet.data, packet.length, message.bytes.begin());
  return walker_.mailbox.handshake_to_service(message) ? DropReason::kNone : DropReason::kHandshakeQueueFull;
}

}  // namespace isthmus::pipeline
