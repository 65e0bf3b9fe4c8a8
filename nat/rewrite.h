#pragma once
// The rewriting of a packet: both addresses in one pass, one combined checksum delta, the packet quoted in an ICMP
// error along with it.

#include "dataplane/packet/packet.h"
#include "nat/prefix_map.h"

namespace isthmus::nat {

// The walk decides the direction; which form each side gets follows from it. Outbound: source real -> seen_as by the
// local map, destination seen_as -> real by the remote map. Inbound: source real -> seen_as by the remote map,
// destination seen_as -> real by the local map. So on either walk the source becomes what the receiver sees and the
// destination becomes real; a walk differs only in which map stands in packet.source_map and packet.destination_map.
inline constexpr Translation kSourceTranslation = Translation::kRealToSeenAs;
inline constexpr Translation kDestinationTranslation = Translation::kSeenAsToReal;

// Rewrites packet.data (IPv4, parsed) by packet.source_map and packet.destination_map, both set.
//   - IP header checksum, and TCP or UDP checksum where the L4 header is in this packet, by RFC 1624. UDP's zero stays
//     zero; a computed zero becomes 0xffff (RFC 768).
//   - An ICMP error's quoted packet went the other way: its destination is translated like our source and its source
//     like our destination, with its own checksums as far as they are quoted (RFC 5508 section 4.2), and the ICMP
//     checksum follows. A quote too short to hold an IP header is left alone, and so is a quoted address that its map
//     does not translate (icmp_inner.h).
//   - Later fragments: addresses only.
// The TTL is not touched here.
void rewrite(Packet& packet);

}  // namespace isthmus::nat
