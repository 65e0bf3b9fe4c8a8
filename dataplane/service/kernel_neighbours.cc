#include "dataplane/service/kernel_neighbours.h"

#include <utility>

namespace isthmus::service {

void KernelNeighbours::solicit(const IpAddress& address) {
  if (put_to_use_(address) && asked_for_.size() < kMaxAskedFor) asked_for_.insert(address);
}

bool KernelNeighbours::hear(const KernelNeighbour& neighbour) {
  switch (neighbour.state) {
    case NeighbourState::kStale:
      if (asked_for(neighbour.address)) put_to_use_(neighbour.address);
      return set(neighbour.address, neighbour.mac);
    case NeighbourState::kUsable:
      return set(neighbour.address, neighbour.mac);
    case NeighbourState::kResolving:
      return !unconfirmed_.contains(neighbour.address) && drop(neighbour.address);
    case NeighbourState::kFailed:
      asked_for_.erase(neighbour.address);
      return drop(neighbour.address);
  }
  return false;
}

// Garbage collection, not failure: what we use is resolved anew and stays good meanwhile. Once: an entry that is
// forgotten twice without an answer in between goes.
bool KernelNeighbours::forgotten(const IpAddress& address) {
  const bool keep = known_.contains(address) && asked_for(address) && !unconfirmed_.contains(address);
  if (!keep || !put_to_use_(address)) return drop(address);
  unconfirmed_.insert(address);
  return false;
}

bool KernelNeighbours::replace(KnownNeighbours dumped) {
  const bool changed = dumped != known_;
  known_ = std::move(dumped);
  unconfirmed_.clear();
  // Events may have been lost: what we asked for may be stale or gone.
  std::erase_if(asked_for_, [this](const IpAddress& address) { return !put_to_use_(address); });
  return changed;
}

void KernelNeighbours::clear() {
  known_.clear();
  asked_for_.clear();
  unconfirmed_.clear();
}

bool KernelNeighbours::set(const IpAddress& address, const MacAddress& mac) {
  unconfirmed_.erase(address);
  const auto [entry, is_new] = known_.try_emplace(address, mac);
  const bool changed = is_new || entry->second != mac;
  entry->second = mac;
  return changed;
}

bool KernelNeighbours::drop(const IpAddress& address) {
  unconfirmed_.erase(address);
  return known_.erase(address) != 0;
}

}  // namespace isthmus::service
