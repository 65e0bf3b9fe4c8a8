#pragma once
// What the walks look up: made by compile from a configuration, published whole, never patched.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/packet/packet.h"
#include "dataplane/route/prefix_table.h"
#include "nat/prefix_map.h"

namespace isthmus::pipeline {

// A remote address alone is never a key: every table but the first belongs to one peer. What it says may be the same
// for many: clusters that were never planned to meet tend to have equal addresses. Equal tables are one, so that those
// of a thousand peers stay in the cache.
inline const route::PrefixTable kEmptyTable;

// One cache line.
struct alignas(64) PeerTables {
  bool configured = false;
  std::uint16_t mtu = 0;                      // largest inner packet towards this peer
  std::uint32_t lanes = 1;                    // numbered from 0
  std::span<const nat::PrefixMap> maps;       // remote maps first, then local ones; values below are indexes into it
  std::optional<Ipv4Address> others_seen_as;  // whose source is in none of local_by_real leaves from here
  const route::PrefixTable* remote_by_real = &kEmptyTable;    // inbound: may this source speak, and how is it seen here
  const route::PrefixTable* local_by_real = &kEmptyTable;     // outbound: the same of our sources, and how seen there
  const route::PrefixTable* local_by_seen_as = &kEmptyTable;  // inbound: what the peer may reach, and which pod that is
};
static_assert(sizeof(PeerTables) == 64);

// Where a destination goes: one lookup answers both.
struct Route {
  PeerIndex peer = kNoPeer;
  std::uint32_t map = 0;  // index into that peer's maps
  auto operator<=>(const Route&) const = default;
};

struct ForwardingTables {
  // The number of the lanes that this UDP port of ours is for.
  std::optional<std::uint32_t> lane_number(std::uint16_t port) const {
    const auto found = std::ranges::find(listen_ports, port);
    if (found == listen_ports.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - listen_ports.begin());
  }

  std::vector<std::uint16_t> listen_ports;  // UDP, on the underlay port, by the number of the lanes that use it
  route::PrefixTable route_by_seen_as;      // outbound: destination as the cluster sees it -> index into routes
  std::vector<Route> routes;
  std::vector<PeerTables> peers;  // by PeerIndex
  // What peers point to. All maps lie side by side: those of a thousand peers share few pages.
  std::shared_ptr<const std::vector<nat::PrefixMap>> maps;
  std::vector<std::shared_ptr<const route::PrefixTable>> storage;
};

}  // namespace isthmus::pipeline
