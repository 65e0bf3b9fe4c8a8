#include "dataplane/config/address_set.h"

#include <algorithm>

namespace isthmus::config {
namespace {

std::uint64_t end_of(Ipv4Prefix prefix) { return std::uint64_t{prefix.network.value | ~prefix.mask()} + 1; }

Ipv4Address address_of(std::uint64_t value) { return {static_cast<std::uint32_t>(value)}; }

}  // namespace

Ipv4Address first_host(Ipv4Prefix prefix) {
  return prefix.length < 31 ? Ipv4Address{prefix.network.value + 1} : prefix.network;
}

AddressSet::AddressSet(const std::vector<Ipv4Prefix>& prefixes) {
  std::vector<Ipv4Prefix> ordered = prefixes;
  std::ranges::sort(ordered);
  for (const Ipv4Prefix prefix : ordered) {
    if (ranges_.empty() || ranges_.back().end < prefix.network.value) {
      ranges_.push_back({prefix.network.value, end_of(prefix)});
    } else {
      ranges_.back().end = std::max(ranges_.back().end, end_of(prefix));
    }
  }
}

std::vector<AddressSet::Range>::const_iterator AddressSet::range_behind(std::uint64_t address) const {
  return std::ranges::upper_bound(ranges_, address, {}, &Range::end);
}

bool AddressSet::contains(Ipv4Address address) const {
  const auto range = range_behind(address.value);
  return range != ranges_.end() && range->first <= address.value;
}

std::optional<Ipv4Address> AddressSet::missing(Ipv4Prefix prefix) const {
  const Ipv4Address host = first_host(prefix);
  if (!contains(host)) return host;
  const std::uint64_t next = contains(prefix.network) ? range_behind(host.value)->end : prefix.network.value;
  return next < end_of(prefix) ? std::optional(address_of(next)) : std::nullopt;
}

std::optional<Ipv4Address> AddressSet::common(Ipv4Prefix prefix) const {
  const Ipv4Address host = first_host(prefix);
  if (contains(host)) return host;
  const auto range = range_behind(prefix.network.value);
  if (range == ranges_.end() || range->first >= end_of(prefix)) return std::nullopt;
  return address_of(std::max<std::uint64_t>(range->first, prefix.network.value));
}

}  // namespace isthmus::config
