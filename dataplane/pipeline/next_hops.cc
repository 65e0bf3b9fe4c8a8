#include "dataplane/pipeline/next_hops.h"

#include <bit>
#include <cassert>

namespace isthmus::pipeline {

namespace {

// Neighbours differ in their low bits; the multiplication carries them to the top.
std::size_t place(std::uint32_t address, std::size_t slots) {
  return ((address * 0x9e3779b97f4a7c15ULL) >> 32) & (slots - 1);
}

}  // namespace

NextHops::NextHops(MacAddress own_mac, Ipv4Address own, std::span<const RouteEntry> routes,
                   std::span<const NeighbourEntry> neighbours, std::vector<IpAddress> also_own)
    : own_mac_(own_mac), own_(own), also_own_(std::move(also_own)) {
  std::vector<route::PrefixTable::Entry> entries;
  for (const RouteEntry& route : routes) {
    entries.push_back({route.prefix, static_cast<std::uint32_t>(gateways_.size())});
    gateways_.push_back(route.gateway.value_or(Ipv4Address{}).value);
  }
  // In the table the last of equal prefixes wins, here the first.
  const std::vector<route::PrefixTable::Entry> reversed(entries.rbegin(), entries.rend());
  routes_ = route::PrefixTable(reversed);

  slots_.resize(std::bit_ceil(2 * neighbours.size() + 1));
  for (const NeighbourEntry& neighbour : neighbours) {
    assert(neighbour.address.value != 0);
    std::size_t at = place(neighbour.address.value, slots_.size());
    while (slots_[at].address != 0 && slots_[at].address != neighbour.address.value)
      at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {neighbour.address.value, neighbour.mac};
  }
}

std::optional<Ipv4Address> NextHops::next_hop(Ipv4Address destination) const {
  const std::uint32_t route = routes_.lookup(destination);
  if (route == route::PrefixTable::kMissing) return std::nullopt;
  return gateways_[route] == 0 ? destination : Ipv4Address{gateways_[route]};
}

const MacAddress* NextHops::mac(Ipv4Address next_hop) const {
  if (slots_.empty()) return nullptr;
  for (std::size_t at = place(next_hop.value, slots_.size());; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].address == 0) return nullptr;
    if (slots_[at].address == next_hop.value) return &slots_[at].mac;
  }
}

}  // namespace isthmus::pipeline
