#include "tunnel/session_table.h"

#include <bit>
#include <cassert>

namespace isthmus::tunnel {

SessionTable::SessionTable(std::size_t capacity)
    : mask_(static_cast<std::uint32_t>(capacity - 1)), slots_(capacity), reserved_(capacity) {
  assert(std::has_single_bit(capacity) && capacity <= std::size_t{1} << 31);
}

// Slots are taken in turn, so that a freed one rests as long as possible.
std::uint32_t SessionTable::reserve_index(std::uint32_t random) {
  for (std::size_t tried = 0; tried < slots_.size(); ++tried) {
    const std::uint32_t slot = next_slot_;
    next_slot_ = (next_slot_ + 1) & mask_;
    if (reserved_[slot]) continue;
    const std::uint32_t index = (random & ~mask_) | slot;
    reserved_[slot] = true;
    return index != 0 ? index : mask_ + 1;  // zero means "full"
  }
  return 0;
}

void SessionTable::release_index(std::uint32_t index) {
  assert(reserved_[index & mask_]);
  reserved_[index & mask_] = false;
}

void SessionTable::insert(Session& session) {
  assert(reserved_[session.local_index & mask_]);
  slots_[session.local_index & mask_].store(&session, std::memory_order_release);
}

void SessionTable::remove(const Session& session) {
  assert(find(session.local_index) == &session);
  slots_[session.local_index & mask_].store(nullptr, std::memory_order_release);
  release_index(session.local_index);
}

}  // namespace isthmus::tunnel
