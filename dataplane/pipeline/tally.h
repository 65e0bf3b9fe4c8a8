#pragma once
// Per-peer packet and byte counts of one burst: one addition for each run of packets of one peer.

#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/peer_state.h"
#include "tunnel/wire.h"

namespace isthmus::pipeline {

class Tally {
 public:
  Tally(const PeerStates& peers, std::size_t worker, Direction direction)
      : peers_(peers), worker_(worker), direction_(direction) {}
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;
  ~Tally() { flush(); }

  // `packet` at the end of its walk.
  void count(const Packet& packet) {
    if (packet.peer != peer_) {
      flush();
      peer_ = packet.peer;
    }
    const bool through = packet.walks();
    const bool inbound = direction_ == Direction::kInbound;
    if (through) {
      ++packets_;
      bytes_ += inbound ? packet.length - sizeof(EthernetHeader) : packet.inner_length;
    }
    // What crossed the tunnel: outbound what was sent, inbound what was authenticated, whatever became of it then.
    const bool crossed = inbound ? packet.inner_length != 0 || packet.punt == Punt::kKeepalive : through;
    if (crossed) {
      tunnel_bytes_ += packet.inner_length + packet.padding + tunnel::kDataOverhead;
    }
  }

 private:
  void flush() {
    if (peer_ != kNoPeer && (packets_ | tunnel_bytes_) != 0) {
      PeerState& peer = *peers_[static_cast<std::size_t>(peer_)];
      PeerCounters& counters = peer.counters[worker_][static_cast<std::size_t>(direction_)];
      counters.packets.add(packets_);
      counters.bytes.add(bytes_);
      counters.tunnel_bytes.add(tunnel_bytes_);
    }
    packets_ = bytes_ = tunnel_bytes_ = 0;
  }

  const PeerStates& peers_;
  const std::size_t worker_;
  const Direction direction_;
  PeerIndex peer_ = kNoPeer;
  std::uint64_t packets_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t tunnel_bytes_ = 0;
};

}  // namespace isthmus::pipeline
