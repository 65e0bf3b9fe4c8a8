#include "dataplane/service/kernel_state.h"

#include <algorithm>
#include <tuple>

#include "dataplane/service/ip_match.h"

namespace isthmus::service {

void KernelState::sort_routes() {
  std::stable_sort(routes.begin(), routes.end(), [](const KernelRoute& left, const KernelRoute& right) {
    return left.length != right.length ? left.length > right.length : left.metric < right.metric;
  });
}

std::optional<KernelState::Hop> KernelState::hop_to(const IpAddress& destination) const {
  if (!up()) return std::nullopt;
  const auto route = std::find_if(routes.begin(), routes.end(), [&](const KernelRoute& candidate) {
    return within(destination, candidate.network, candidate.length);
  });
  if (route == routes.end()) return std::nullopt;
  const IpAddress next_hop = route->gateway.value_or(destination);
  const auto source = route->preferred_source ? route->preferred_source : source_for(next_hop, destination);
  if (!source) return std::nullopt;
  return Hop{next_hop, *source};
}

// The spirit of the kernel's choice: an address that is not deprecated, in the next hop's network; for IPv6 also of the
// destination's scope and then with the longest common prefix (RFC 6724 section 5, rules 2, 3 and 8).
std::optional<IpAddress> KernelState::source_for(const IpAddress& next_hop, const IpAddress& destination) const {
  const KernelAddress* best = nullptr;
  std::tuple<bool, bool, bool, unsigned> best_rank;
  for (const KernelAddress& candidate : addresses) {
    const IpAddress& address = candidate.address.address;
    const auto bits = common_bits(address, destination);
    if (!bits) continue;
    const bool v6 = std::holds_alternative<Ipv6Address>(address);
    const std::tuple rank{is_link_local(address) == is_link_local(destination), candidate.preferred,
                          within(next_hop, address, candidate.address.length), v6 ? *bits : 0U};
    if (best == nullptr || rank > best_rank) {
      best = &candidate;
      best_rank = rank;
    }
  }
  return best == nullptr ? std::nullopt : std::optional(best->address.address);
}

std::optional<NextHopSource::Path> KernelState::path_over(const Hop& hop, const KnownNeighbours& neighbours) const {
  const auto neighbour = neighbours.find(hop.next_hop);
  if (!up() || neighbour == neighbours.end()) return std::nullopt;
  return NextHopSource::Path{hop.source, link->mac, neighbour->second};
}

std::unique_ptr<pipeline::NextHops> KernelState::snapshot(const KnownNeighbours& neighbours) const {
  if (!up()) return std::make_unique<pipeline::NextHops>();
  std::vector<pipeline::NextHops::RouteEntry> entries;
  for (const KernelRoute& route : routes) {
    const auto* network = std::get_if<Ipv4Address>(&route.network);
    if (network == nullptr) continue;
    auto& entry = entries.emplace_back();
    entry.prefix = make_prefix(*network, route.length);
    if (route.gateway) entry.gateway = std::get<Ipv4Address>(*route.gateway);
  }
  std::vector<pipeline::NextHops::NeighbourEntry> known;
  for (const auto& [address, mac] : neighbours) {
    if (const auto* v4 = std::get_if<Ipv4Address>(&address)) known.push_back({*v4, mac});
  }
  Ipv4Address own;
  for (const KernelAddress& candidate : addresses) {
    const auto* v4 = std::get_if<Ipv4Address>(&candidate.address.address);
    if (v4 == nullptr) continue;
    if (own.value == 0 || candidate.preferred) own = *v4;
    if (candidate.preferred) break;
  }
  std::vector<IpAddress> all;
  for (const KernelAddress& address : addresses) all.push_back(address.address.address);
  return std::make_unique<pipeline::NextHops>(link->mac, own, entries, known, std::move(all));
}

}  // namespace isthmus::service
