#include "dataplane/service/neighbour_cache.h"

#include <functional>
#include <iterator>
#include <string_view>
#include <variant>

namespace isthmus::service {

std::size_t NeighbourCache::Hash::operator()(const IpAddress& address) const {
  return std::visit(
      [](const auto& ip) {
        return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&ip), sizeof ip});
      },
      address);
}

const MacAddress* NeighbourCache::find(const IpAddress& address) const {
  const auto entry = entries_.find(address);
  return entry != entries_.end() && usable(entry->second) ? &entry->second.mac : nullptr;
}

std::optional<NeighbourCache::Ask> NeighbourCache::solicit(const IpAddress& address, Instant now) {
  auto found = entries_.find(address);
  if (found == entries_.end()) {
    if (asked_ >= kMaxAsked || unanswered_ >= kMaxUnanswered) return std::nullopt;
    found = entries_.try_emplace(address).first;
    ++unanswered_;
  } else if (usable(found->second) || found->second.state == State::kAsking || now < found->second.due) {
    if (!found->second.asked && asked_ < kMaxAsked) {
      found->second.asked = true;
      ++asked_;
    }
    return std::nullopt;
  }
  Entry& entry = found->second;
  if (!entry.asked) ++asked_;
  entry = {.mac = {}, .state = State::kAsking, .asked = true, .asks_sent = 1, .due = now + kRetransmitTime};
  return Ask{address, std::nullopt};
}

bool NeighbourCache::hear(const IpAddress& address, const MacAddress& mac, bool addressed_to_us, Instant now) {
  auto found = entries_.find(address);
  if (found == entries_.end()) {
    if (!addressed_to_us || entries_.size() - asked_ >= kMaxHeard) return false;
    found = entries_.try_emplace(address).first;
    ++unanswered_;
  }
  Entry& entry = found->second;
  const bool known = usable(entry);
  const bool changed = !known || entry.mac != mac;
  if (!known) --unanswered_;
  entry.mac = mac;
  entry.state = State::kReachable;
  entry.due = now + kReachableTime;
  return changed;
}

NeighbourCache::Due NeighbourCache::tick(Instant now) {
  Due due;
  for (auto item = entries_.begin(); item != entries_.end();) {
    const bool forget = item->second.due <= now && advance(item->first, item->second, now, due);
    item = forget ? entries_.erase(item) : std::next(item);
  }
  return due;
}

// The entry's state has lasted long enough. True: forget it.
bool NeighbourCache::advance(const IpAddress& address, Entry& entry, Instant now, Due& due) {
  if (entry.state == State::kFailed || (entry.state == State::kReachable && !entry.asked)) return lose(entry, now, due);
  const bool probes = usable(entry);
  if (entry.state == State::kReachable) entry.asks_sent = 0;
  if (entry.asks_sent == kMaxSolicitations) return lose(entry, now, due);
  if (due.asks.size() >= kMaxAsksPerTick) return false;
  if (probes) entry.state = State::kProbing;
  ++entry.asks_sent;
  entry.due = now + kRetransmitTime;
  // RFC 1122 section 2.3.2.1 (2): poll the known MAC; but the last question goes to everybody, in case it has moved.
  const bool poll = probes && entry.asks_sent < kMaxSolicitations;
  due.asks.push_back({address, poll ? std::optional(entry.mac) : std::nullopt});
  return false;
}

bool NeighbourCache::lose(Entry& entry, Instant now, Due& due) {
  if (entry.state == State::kAsking) {
    entry.state = State::kFailed;
    entry.due = now + kFailedTime;
    return false;
  }
  if (usable(entry)) {
    due.changed = true;
  } else {
    --unanswered_;
  }
  if (entry.asked) --asked_;
  return true;
}

}  // namespace isthmus::service
