#pragma once
// One line of the administrator's remapping: a prefix as it is and as the other side sees it, 1:1 and stateless.

#include <cstdint>

#include "dataplane/packet/address.h"
#include "dataplane/packet/checksum.h"

namespace isthmus::nat {

// Which form an address has and which it shall get.
enum class Translation : std::uint8_t { kRealToSeenAs, kSeenAsToReal };

// Both prefixes have the same length. Host bits are kept, so one checksum delta serves every address of the prefix:
// the words of network and host add up without carrying into each other. (RFC 2663 section 4.3 calls the use of two
// such maps on one packet twice NAT.)
struct PrefixMap {
  Ipv4Prefix real;
  Ipv4Prefix seen_as;
  std::uint16_t delta_to_seen_as = 0;  // checksum_delta(real, seen_as)
  std::uint16_t delta_to_real = 0;     // checksum_delta(seen_as, real)

  Ipv4Address translate(Ipv4Address address, Translation translation) const {
    const Ipv4Prefix& to = translation == Translation::kRealToSeenAs ? seen_as : real;
    return {to.network.value | (address.value & ~to.mask())};
  }
  std::uint16_t delta(Translation translation) const {
    return translation == Translation::kRealToSeenAs ? delta_to_seen_as : delta_to_real;
  }
  auto operator<=>(const PrefixMap&) const = default;
};

// real and seen_as of equal length; equal prefixes make the identity.
PrefixMap make_prefix_map(Ipv4Prefix real, Ipv4Prefix seen_as);

}  // namespace isthmus::nat
