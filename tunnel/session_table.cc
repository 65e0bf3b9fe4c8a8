#include "tunnel/session_table.h"

#include <bit>
#include <cassert>

namespace isthmus::tunnel {

SessionTable::SessionTable(std::size_t capacity)
    : mask_(static_cast<std::uint32_t>(capacity - 1)), slots_(capacity), indexes_(capacity) {
  assert(std::has_single_bit(capacity) && capacity <= std::size_t{1} << 31);
}

// Slots are taken in turn, so that a freed one rests as long as possible.
std::uint32_t SessionTable::reserve_index(std::uint32_t random) {
  for (std::size_t tried = 0; tried < slots_.size(); ++tried) {
    const std::uint32_t slot = next_slot_;
    next_slot_ = (next_slot_ + 1) & mask_;
    if (indexes_[slot].load(std::memory_order_relaxed) != 0) continue;
    const std::uint32_t drawn = (random & ~mask_) | slot;
    const std::uint32_t index = drawn != 0 ? drawn : mask_ + 1;  // zero means "full"
    indexes_[slot].store(index, std::memory_order_release);
    return index;
  }
  return 0;
}

void SessionTable::release_index(std::uint32_t index) {
  assert(in_use(index));
  indexes_[index & mask_].store(0, std::memory_order_release);
}

void SessionTable::insert(Session& session) {
  assert(in_use(session.local_index));
  slots_[session.local_index & mask_].store(&session, std::memory_order_release);
}

void SessionTable::remove(const Session& session) {
  assert(find(session.local_index) == &session);
  slots_[session.local_index & mask_].store(nullptr, std::memory_order_release);
  release_index(session.local_index);
}

}  // namespace isthmus::tunnel
