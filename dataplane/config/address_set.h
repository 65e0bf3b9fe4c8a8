#pragma once
// The IPv4 addresses of many prefixes as one set, and what of another prefix is missing in it or common with it.

#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/packet/address.h"

namespace isthmus::config {

// Every question costs one search, however many prefixes there are. Where both are right, answers are hosts' addresses
// and not their networks': people read them.
class AddressSet {
 public:
  explicit AddressSet(const std::vector<Ipv4Prefix>& prefixes);

  bool contains(Ipv4Address address) const;
  // An address of the prefix that is not in the set.
  std::optional<Ipv4Address> missing(Ipv4Prefix prefix) const;
  // An address of the prefix that is.
  std::optional<Ipv4Address> common(Ipv4Prefix prefix) const;

 private:
  // Addresses first to last. No two ranges touch.
  struct Range {
    std::uint64_t first = 0;
    std::uint64_t end = 0;  // one beyond the last
  };

  // The first range that ends behind the address; it may begin behind it too.
  std::vector<Range>::const_iterator range_behind(std::uint64_t address) const;

  std::vector<Range> ranges_;  // in order
};

// The prefix's first address that a host may have.
Ipv4Address first_host(Ipv4Prefix prefix);

}  // namespace isthmus::config
