#pragma once
// All that a Tunnel keeps about one peer.
//
// Keys are rotated without a gap: a peer whose keys have changed keeps the pairing that works until the new one has
// agreed on a session, because nobody knows when the other side will have its new keys too. The old pairing may even
// renew its sessions meanwhile. Then the two change places, and the old sessions still receive what is on its way.

#include <memory>
#include <optional>

#include "tunnel/pairing.h"
#include "tunnel/tunnel.h"

namespace isthmus::tunnel {

struct Peer {
  Peer(LaneId place, const PeerSettings& wanted, PeerLink& shared) : lane(place), settings(wanted), link(shared) {}

  // The pairing that wants to be used in the end.
  Pairing* newest_pairing() const { return successor ? successor.get() : pairing.get(); }
  // The pairing that has the session with this index, if it may still send.
  Pairing* pairing_of(std::uint32_t local_index) const {
    for (Pairing* candidate : {pairing.get(), successor.get()}) {
      if (candidate != nullptr && candidate->slots.has(local_index)) return candidate;
    }
    return nullptr;
  }

  const LaneId lane;
  PeerSettings settings;
  PeerLink& link;

  std::optional<Endpoint> endpoint;    // configured or learned
  std::unique_ptr<Pairing> pairing;    // in use; none as long as we have no identity ourselves
  std::unique_ptr<Pairing> successor;  // takes its place with its first session
  std::unique_ptr<Pairing> leaving;    // only receives, until its sessions are too old for that
  Instant left = kNever;
  std::uint32_t answers = 0;  // to initiations that either pairing could answer: only the pre-shared keys differ
  bool usable = false;        // as last told to the host

  Timestamp timestamp_sent{};  // of our newest initiation: with whatever keys and clock, they must grow
  std::optional<WallTime> last_handshake;
  std::uint64_t handshake_bytes_sent = 0;
  std::uint64_t handshake_bytes_received = 0;
};

}  // namespace isthmus::tunnel
