#include "dataplane/pipeline/seal.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/ecn.h"
#include "tunnel/wire.h"

namespace isthmus::pipeline {
namespace {

// Pads, puts the data header in front and fills the job that seals what lies between.
void prepare(Packet& packet, std::uint32_t mtu, const tunnel::Session& session, std::uint64_t nonce,
             tunnel::AeadJob& job) {
  const std::uint32_t text = packet.length;
  packet.inner_length = static_cast<std::uint16_t>(text);
  const std::uint32_t padding = std::min(-text & std::uint32_t{tunnel::kPaddingMultiple - 1}, mtu - text);
  packet.padding = static_cast<std::uint8_t>(padding);
  packet.resize(text + padding + tunnel::kTagSize);
  std::memset(packet.data + text, 0, padding);
  job = {.key = &session.keys.sending, .counter = nonce, .data = packet.data, .length = text + padding};

  packet.push(sizeof(tunnel::DataHeader));
  auto& header = *packet.header<tunnel::DataHeader>();
  header.type = static_cast<std::uint32_t>(tunnel::MessageType::kData);
  header.receiver_index = session.remote_index;
  header.counter = nonce;
}

bool in_range(std::uint64_t first, std::uint64_t count) { return first + count <= tunnel::kRejectAfterMessages; }

// The nonces of consecutive packets of one session are reserved at once.
class NonceRun {
 public:
  // The next nonce for `packets[at]`, or nothing when the session has none left.
  bool next(std::span<const Packet> packets, std::size_t at, std::uint64_t& nonce) {
    tunnel::Session& session = *packets[at].session;
    if (&session != session_ || left_ == 0) {
      session_ = &session;
      left_ = 1;
      for (std::size_t i = at + 1; i < packets.size() && packets[i].walks() && packets[i].session == session_; ++i)
        ++left_;
      nonce_ = session.reserve_nonces(left_);
      exhausted_ = !in_range(nonce_, left_);
    }
    --left_;
    nonce = nonce_++;
    return !exhausted_;
  }

 private:
  tunnel::Session* session_ = nullptr;
  std::uint64_t nonce_ = 0;
  std::size_t left_ = 0;
  bool exhausted_ = false;
};

}  // namespace

void seal(const ForwardingTables& tables, const PeerStates& peers, tunnel::BurstAead& aead, AeadJobs& jobs, Instant now,
          PacketBurst& burst) {
  const std::span<Packet> packets = burst.all();
  NonceRun nonces;
  std::size_t count = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    Packet& packet = packets[i];
    if (!packet.walks()) continue;
    std::uint64_t nonce = 0;
    if (!nonces.next(packets, i, nonce)) {
      packet.drop = DropReason::kSessionExhausted;
      continue;
    }
    // RFC 6040 section 4.1, normal mode: the outer header says what the inner one does, which nobody can read from
    // here.
    packet.outer_ecn = packet.header<Ipv4Header>()->tos & kEcnMask;
    const std::uint32_t mtu = tables.peers[static_cast<std::size_t>(packet.peer)].mtu;
    prepare(packet, mtu, *packet.session, nonce, jobs[count++]);
    tunnel::PeerLink& link = lane_state(peers, packet.session->lane).link;
    link.data_sent.set(now);
    link.any_sent.set(now);
  }
  aead.seal({jobs.data(), count});
}

bool seal_keepalive(tunnel::Session& session, tunnel::BurstAead& aead, Packet& packet) {
  const std::uint64_t nonce = session.reserve_nonces(1);
  if (!in_range(nonce, 1)) return false;
  tunnel::AeadJob job;
  prepare(packet, 0, session, nonce, job);
  aead.seal({&job, 1});
  return true;
}

}  // namespace isthmus::pipeline
