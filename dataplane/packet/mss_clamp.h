#pragma once
// TCP's maximum segment size, lowered to what the tunnel carries (RFC 9293 section 3.7.1).

#include "dataplane/packet/packet.h"

namespace isthmus {

// On a SYN or SYN-ACK whose MSS option exceeds `mtu` - 40 (IPv4 without options): lowers it and updates the TCP
// checksum. An absent option is not added; a malformed option list is left alone. `packet` is as parse_ipv4 left it.
void clamp_mss(Packet& packet, std::uint16_t mtu);

}  // namespace isthmus
