#pragma once
// Which MAC address a destination on one port is reached by: a snapshot that the neighbour service publishes whole.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/packet/address.h"
#include "dataplane/route/prefix_table.h"

namespace isthmus::pipeline {

class NextHops {
 public:
  struct RouteEntry {
    Ipv4Prefix prefix;
    std::optional<Ipv4Address> gateway;  // none: on link
  };
  struct NeighbourEntry {
    Ipv4Address address;
    MacAddress mac;
  };

  NextHops() = default;
  // `own` is the port's own address, the sender of our ICMP errors; `also_own` are its further ones. Of equal prefixes
  // the first wins.
  NextHops(MacAddress own_mac, Ipv4Address own, std::span<const RouteEntry> routes,
           std::span<const NeighbourEntry> neighbours, std::vector<IpAddress> also_own = {});

  // The address whose MAC is needed to reach `destination`, or nothing when no route leads there.
  std::optional<Ipv4Address> next_hop(Ipv4Address destination) const;
  // nullptr: not known (yet).
  const MacAddress* mac(Ipv4Address next_hop) const;

  const MacAddress& own_mac() const { return own_mac_; }
  Ipv4Address own() const { return own_; }
  bool is_own(Ipv4Address address) const { return address == own_ || is_also_own(address); }
  bool is_own(const Ipv6Address& address) const { return is_also_own(address); }

 private:
  bool is_also_own(const IpAddress& address) const {
    return !also_own_.empty() && std::ranges::find(also_own_, address) != also_own_.end();
  }

  struct Slot {
    std::uint32_t address = 0;  // 0: empty
    MacAddress mac;
  };

  MacAddress own_mac_;
  Ipv4Address own_;
  std::vector<IpAddress> also_own_;      // a handful
  route::PrefixTable routes_;            // -> index into gateways_
  std::vector<std::uint32_t> gateways_;  // host order; 0: on link
  std::vector<Slot> slots_;              // open addressing, a power of two, at most half full
};

}  // namespace isthmus::pipeline
