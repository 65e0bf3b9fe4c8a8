#pragma once
// What rtnetlink(7) says about links, addresses, routes and neighbours, as values. Parsing only: no socket.

#include <linux/netlink.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/packet/address.h"

namespace isthmus::service {

struct KernelLink {
  unsigned index = 0;
  std::string name;
  MacAddress mac;
  bool up = false;       // administratively; a lost carrier keeps its routes, as in the kernel
  bool carrier = false;  // its change moves a multipath route to another hop
  auto operator<=>(const KernelLink&) const = default;
};

struct KernelAddress {
  unsigned index = 0;
  InterfaceAddress address;
  bool usable = false;     // not tentative, not a duplicate
  bool preferred = false;  // not deprecated, secondary or temporary
  auto operator<=>(const KernelAddress&) const = default;
};

struct KernelRoute {
  IpAddress network;
  std::uint8_t length = 0;
  std::uint32_t metric = 0;
  std::optional<IpAddress> gateway;           // none: on link
  std::optional<IpAddress> preferred_source;  // none: any of the interface's
  auto operator<=>(const KernelRoute&) const = default;
};

enum class NeighbourState : std::uint8_t { kResolving, kUsable, kStale, kFailed };

struct KernelNeighbour {
  unsigned index = 0;
  IpAddress address;
  NeighbourState state = NeighbourState::kFailed;
  MacAddress mac;  // of the two usable states
  auto operator<=>(const KernelNeighbour&) const = default;
};

// Each takes a whole message of its kind (RTM_NEW* or RTM_DEL*) and answers nothing when it is malformed or of a kind
// that a next hop cannot be made of.
std::optional<KernelLink> parse_link(const nlmsghdr& message);
std::optional<KernelAddress> parse_address(const nlmsghdr& message);
std::optional<KernelNeighbour> parse_neighbour(const nlmsghdr& message);
// The main table's unicast routes that leave through interface `index`; of several hops the first usable one there.
std::optional<KernelRoute> parse_route(const nlmsghdr& message, unsigned index);

}  // namespace isthmus::service
