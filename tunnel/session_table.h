#pragma once
// receiver_index -> Session, for workers.

#include <atomic>
#include <cstdint>
#include <vector>

#include "tunnel/session.h"

namespace isthmus::tunnel {

// An index is a slot number in its low bits and random bits above, so an index of an earlier session in the same slot
// does not find the new one, and an outsider cannot guess which exist. The table does not own the sessions.
class SessionTable {
 public:
  // capacity: a power of two. Four sessions a peer stand at most at one time (key_slots.h), plus one
  // handshake in flight.
  explicit SessionTable(std::size_t capacity);

  // Workers.
  Session* find(std::uint32_t index) const {
    Session* session = slots_[index & mask_].load(std::memory_order_acquire);
    return session != nullptr && session->local_index == index ? session : nullptr;
  }
  // The session in the index's slot, without a look at it: it may have another index.
  const Session* in_slot(std::uint32_t index) const { return slots_[index & mask_].load(std::memory_order_acquire); }
  // Whether the index is a session's or reserved for one.
  bool in_use(std::uint32_t index) const {
    return index != 0 && indexes_[index & mask_].load(std::memory_order_acquire) == index;
  }
  void prefetch(std::uint32_t index) const { __builtin_prefetch(&slots_[index & mask_]); }

  // Service thread. An index that no session and no reservation uses; `random` supplies the upper bits. 0 when full.
  std::uint32_t reserve_index(std::uint32_t random);
  void release_index(std::uint32_t index);
  void insert(Session& session);        // at its local_index, which was reserved
  void remove(const Session& session);  // and releases the index

 private:
  std::uint32_t mask_;
  std::vector<std::atomic<Session*>> slots_;
  std::vector<std::atomic<std::uint32_t>>
      indexes_;  // by slot, reserved or a session's; 0: free. Service: w, workers: r
  std::uint32_t next_slot_ = 0;
};

}  // namespace isthmus::tunnel
