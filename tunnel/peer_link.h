#pragma once
// What workers and the service thread share about one lane's tunnel.

#include <atomic>
#include <cstdint>

#include "dataplane/packet/time.h"
#include "tunnel/session.h"

namespace isthmus::tunnel {

// A time that one thread writes and another reads; "never" until first set.
class SharedInstant {
 public:
  void set(Instant instant) { nanoseconds_.store(instant.time_since_epoch().count(), std::memory_order_relaxed); }
  Instant get() const { return Instant{Duration{nanoseconds_.load(std::memory_order_relaxed)}}; }

 private:
  std::atomic<std::int64_t> nanoseconds_{0};
};

struct PeerLink {
  // Workers: the session to seal with; nullptr: none stands, packets must wait.
  Session* to_seal_with() const {
    Session* const awaited = next.load(std::memory_order_acquire);
    if (awaited != nullptr && awaited->confirmed.load(std::memory_order_relaxed)) return awaited;
    return sending.load(std::memory_order_acquire);
  }

  // Service: w, workers: r. The session that seals, as the service thread knows it.
  std::atomic<Session*> sending{nullptr};
  // The same. One that we agreed on as responder: it takes over with its first authentic message, and not only when the
  // service thread has heard of that. A peer that was started anew has none but this one: it could not read an answer
  // which goes out in between.
  std::atomic<Session*> next{nullptr};

  // Workers: w, service: r. "Data" is a packet with content, "any" includes keepalives. Received means authenticated.
  SharedInstant data_sent;
  SharedInstant any_sent;  // the service thread writes it too, when it sends a keepalive
  SharedInstant data_received;
  SharedInstant any_received;
};

}  // namespace isthmus::tunnel
