#include "dataplane/pipeline/open.h"

#include "dataplane/pipeline/outer_header.h"
#include "tunnel/wire.h"

namespace isthmus::pipeline {
namespace {

// The cheap looks before any cryptography.
DropReason refuse_early(tunnel::Session& session, std::uint64_t counter, Instant now) {
  if (session.expired(now)) return DropReason::kSessionExpired;
  if (counter >= tunnel::kRejectAfterMessages) return DropReason::kSessionExhausted;
  if (session.window.may_accept(counter)) return DropReason::kNone;
  session.window.refuse(counter);
  return DropReason::kReplayed;
}

// What an authentic message tells the service thread. Should the mailbox be full, the next message tells it again.
void report(const Packet& packet, const LaneState& lane, Mailbox& mailbox) {
  tunnel::Session& session = *packet.session;
  if (!session.confirmed.load(std::memory_order_relaxed)) {
    session.confirmed.store(
        mailbox.to_service({.kind = ToService::Kind::kConfirmed, .local_index = session.local_index}),
        std::memory_order_relaxed);
  }
  const OuterHeader* way_back = lane.outer.load(std::memory_order_acquire);
  if (way_back != nullptr && !way_back->leads_back_to(packet)) {
    mailbox.to_service({.kind = ToService::Kind::kRoamed, .lane = session.lane, .endpoint = outer_source(packet)});
  }
}

void accept(Packet& packet, LaneState& lane, const tunnel::AeadJob& job, Mailbox& mailbox, Instant now) {
  if (!job.authentic) {
    packet.drop = DropReason::kAuthenticationFailed;
    return;
  }
  if (!packet.session->window.accept(job.counter)) {
    packet.drop = DropReason::kReplayed;
    return;
  }
  report(packet, lane, mailbox);
  lane.link.any_received.set(now);
  packet.pull(sizeof(tunnel::DataHeader));
  packet.resize(job.length);
  packet.inner_length = static_cast<std::uint16_t>(job.length);
  if (job.length == 0) {
    packet.punt = Punt::kKeepalive;
  } else {
    lane.link.data_received.set(now);
  }
}

}  // namespace

void open(const PeerStates& peers, tunnel::BurstAead& aead, Mailbox& mailbox, AeadJobs& jobs, Instant now,
          PacketBurst& burst) {
  std::size_t count = 0;
  burst.each([&](Packet& packet) {
    const std::uint64_t counter = packet.header<tunnel::DataHeader>()->counter;
    packet.drop = refuse_early(*packet.session, counter, now);
    if (packet.drop != DropReason::kNone) return;
    jobs[count++] = {.key = &packet.session->keys.receiving,
                     .counter = counter,
                     .data = packet.data + sizeof(tunnel::DataHeader),
                     .length = packet.length - static_cast<std::uint32_t>(tunnel::kDataOverhead)};
  });
  aead.open({jobs.data(), count});
  const tunnel::AeadJob* job = jobs.data();
  burst.each([&](Packet& packet) { accept(packet, lane_state(peers, packet.session->lane), *job++, mailbox, now); });
}

}  // namespace isthmus::pipeline
