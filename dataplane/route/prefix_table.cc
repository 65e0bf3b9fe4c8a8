#include "dataplane/route/prefix_table.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace isthmus::route {

namespace {

constexpr std::size_t kFanout = 256;

}  // namespace

PrefixTable::PrefixTable() : slots_(kFanout, kMissing) {}

// Shorter prefixes first: a longer one then overwrites its part, and the slots that a prefix fills are never children.
PrefixTable::PrefixTable(std::span<const Entry> entries) : PrefixTable() {
  std::vector<Entry> sorted(entries.begin(), entries.end());
  std::ranges::stable_sort(sorted, {},
                           [](const Entry& e) { return std::pair(e.prefix.length, e.prefix.network.value); });
  for (const Entry& entry : sorted) insert(entry);
}

void PrefixTable::insert(const Entry& entry) {
  const auto [prefix, value] = entry;
  assert(prefix.length <= 32 && prefix.contains(prefix.network) && value <= kMaxValue);
  std::size_t node = 0;
  unsigned shift = 24;
  for (; 32U - shift < prefix.length; shift -= 8) {
    const std::size_t slot = node + ((prefix.network.value >> shift) & 0xff);
    if (!(slots_[slot] & kChild)) {
      const auto child = static_cast<std::uint32_t>(slots_.size());
      slots_.resize(slots_.size() + kFanout, slots_[slot]);
      slots_[slot] = kChild | child;
    }
    node = slots_[slot] & ~kChild;
  }
  const auto first = slots_.begin() + static_cast<std::ptrdiff_t>(node + ((prefix.network.value >> shift) & 0xff));
  std::fill_n(first, std::size_t{1} << (32U - shift - prefix.length), value);
}

}  // namespace isthmus::route
