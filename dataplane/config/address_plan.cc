#include "dataplane/config/address_plan.h"

namespace isthmus::config {
namespace {

const Ipv4Prefix& prefix_of(const Ipv4Prefix& key) { return key; }
const Ipv4Prefix& prefix_of(const std::pair<const Ipv4Prefix, std::string>& entry) { return entry.first; }

// Prefixes are ordered by network, then length. Whatever contains `prefix` has one of 33 names; whatever lies inside
// it follows it directly.
template <typename Ordered>
typename Ordered::const_iterator find_overlap(const Ordered& ordered, Ipv4Prefix prefix) {
  for (int length = 0; length <= prefix.length; ++length) {
    const auto found = ordered.find(make_prefix(prefix.network, static_cast<std::uint8_t>(length)));
    if (found != ordered.end()) return found;
  }
  const auto next = ordered.lower_bound(prefix);
  return next != ordered.end() && prefix.contains(prefix_of(*next).network) ? next : ordered.end();
}

std::uint64_t end_of(Ipv4Prefix prefix) { return std::uint64_t{prefix.network.value | ~prefix.mask()} + 1; }

}  // namespace

std::vector<Ipv4Prefix> AddressPlan::private_ranges() {
  return {
      {{0x0a000000}, 8},   // 10.0.0.0/8, RFC 1918
      {{0xac100000}, 12},  // 172.16.0.0/12
      {{0xc0a80000}, 16},  // 192.168.0.0/16
      {{0x64400000}, 10},  // 100.64.0.0/10, RFC 6598
  };
}

void AddressPlan::claim(Ipv4Prefix prefix, std::string owner) { claims_.try_emplace(prefix, std::move(owner)); }

std::optional<AddressPlan::Claim> AddressPlan::clash(Ipv4Prefix prefix) const {
  const auto found = find_overlap(claims_, prefix);
  if (found == claims_.end()) return std::nullopt;
  return Claim{found->first, found->second};
}

std::optional<Ipv4Prefix> AddressPlan::offer(std::uint8_t length) {
  for (const Ipv4Prefix pool : pools_) {
    if (const std::optional<Ipv4Prefix> found = next_free(pool, length)) {
      avoided_.insert(*found);
      return found;
    }
  }
  return std::nullopt;
}

std::optional<Ipv4Prefix> AddressPlan::next_free(Ipv4Prefix pool, std::uint8_t length) {
  if (length < pool.length) return std::nullopt;
  std::uint64_t& next = searched_.try_emplace({pool, length}, pool.network.value).first->second;
  while (next < end_of(pool)) {
    const Ipv4Prefix candidate{{static_cast<std::uint32_t>(next)}, length};
    const auto taken = find_overlap(avoided_, candidate);
    if (taken == avoided_.end()) return candidate;
    next = taken->length < length ? end_of(*taken) : end_of(candidate);
  }
  return std::nullopt;
}

}  // namespace isthmus::config
