#pragma once
// The packet quoted inside an ICMP error (RFC 5508 section 4.2).

#include "dataplane/packet/packet.h"

namespace isthmus::nat {

// `packet` is ICMP and has its ICMP header; both maps are set. Leaves anything but an error alone. A quoted address
// outside the form that its map translates from (the quoted destination outside source_map.real, the quoted source
// outside destination_map.seen_as) stays as it is: the error is about a packet that we did not translate so.
void rewrite_quote(Packet& packet);

}  // namespace isthmus::nat
