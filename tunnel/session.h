#pragma once
// One pair of transport keys: what a finished handshake leaves behind (section 5.4.5).

#include <atomic>
#include <cstdint>

#include "dataplane/packet/packet.h"
#include "dataplane/packet/time.h"
#include "tunnel/aead.h"
#include "tunnel/arrivals.h"
#include "tunnel/replay_window.h"
#include "tunnel/wire.h"

namespace isthmus::tunnel {

// Made and removed by the service thread, used by workers; freed only after every worker has passed a quiescent state.
class Session {
 public:
  struct Keys {
    AeadKey sending;
    AeadKey receiving;
  };

  Session(LaneId of_lane, std::uint32_t our_index, std::uint32_t their_index, bool we_initiated, const Keys& agreed,
          Instant now)
      : lane(of_lane),
        local_index(our_index),
        remote_index(their_index),
        initiator(we_initiated),
        created(now),
        keys(agreed) {}

  // Immutable.
  const LaneId lane;
  const std::uint32_t local_index;   // what the peer writes into receiver_index
  const std::uint32_t remote_index;  // what we write into receiver_index
  const bool initiator;
  const Instant created;
  const Keys keys;

  // Any thread. Reserves `count` nonces and returns the first; they are the caller's alone, whoever else reserves, and
  // a range that is not used up is lost, never given out again. That is why no nonce repeats: this counter only grows,
  // it lives exactly as long as its key, and neither is ever stored. The caller must refuse a range that ends beyond
  // kRejectAfterMessages. Past that the counter stands still, so it cannot wrap: the 2^13 numbers above the limit are
  // more than all workers together can add between their look and their addition.
  std::uint64_t reserve_nonces(std::uint64_t count) {
    if (nonces_used() >= kRejectAfterMessages) return kRejectAfterMessages;
    return next_nonce_.fetch_add(count, std::memory_order_relaxed);
  }
  std::uint64_t nonces_used() const { return next_nonce_.load(std::memory_order_relaxed); }

  bool expired(Instant now) const { return now - created >= kRejectAfterTime; }

  // The receiving worker's.
  ReplayWindow window;
  // Receiving worker: w, service: r. Whether anything has been authenticated with this session's receiving key: only
  // then may a responder send with it (section 5.1: the initiator's first message confirms the key).
  std::atomic<bool> confirmed{false};

  // The service thread's.
  Arrivals arrivals;
  int farewells = 0;  // KeySlots::take_leave

 private:
  alignas(64) std::atomic<std::uint64_t> next_nonce_{0};
};

}  // namespace isthmus::tunnel
