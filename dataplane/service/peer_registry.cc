#include "dataplane/service/peer_registry.h"

#include <algorithm>
#include <cassert>

namespace isthmus::service {

std::optional<PeerIndex> PeerRegistry::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

PeerIndex PeerRegistry::claim(const std::string& name) {
  if (const auto existing = find(name)) return *existing;
  const auto free = std::ranges::find_if(places_, [](const auto& place) { return place == nullptr; });
  assert(free != places_.end());
  *free = std::make_unique<PeerRecord>();
  (*free)->name = name;
  const auto index = static_cast<PeerIndex>(free - places_.begin());
  by_name_[name] = index;
  return index;
}

std::size_t PeerRegistry::free_places() const {
  return static_cast<std::size_t>(std::ranges::count_if(places_, [](const auto& place) { return place == nullptr; }));
}

void PeerRegistry::release(PeerIndex peer) { places_[static_cast<std::size_t>(peer)].reset(); }

}  // namespace isthmus::service
