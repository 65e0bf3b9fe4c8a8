#pragma once
// ICMP errors, built in place of the packet that caused them.

#include <cstddef>
#include <cstdint>

#include "dataplane/packet/address.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/packet.h"

namespace isthmus {

enum class IcmpErrorKind : std::uint8_t { kTimeExceeded, kFragmentationNeeded, kNetUnreachable, kHostProhibited };

// What an error has before its quote: an IPv4 header without options and the ICMP header.
inline constexpr std::size_t kIcmpErrorHeaders = sizeof(Ipv4Header) + sizeof(IcmpHeader);

// Whether an error may be sent about this packet at all: never about an ICMP error, a later fragment, or a packet from
// or to a broadcast, multicast, loopback or zero address (RFC 1122 section 3.2.2). `packet` is as parse_ipv4 left it.
bool deserves_icmp_error(const Packet& packet);

// Turns `packet` (data at its IPv4 header, as parse_ipv4 left it) into the error about itself, from `sender` to its
// source: new IP header, ICMP header, quote of up to 548 bytes (RFC 1812 section 4.3.2.3: the error is at most 576
// bytes long). `mtu` is used by kFragmentationNeeded only (RFC 1191). Needs kIcmpErrorHeaders of headroom. The parse
// fields of the packet describe the error afterwards. Its checksums are complete.
void make_icmp_error(Packet& packet, IcmpErrorKind kind, Ipv4Address sender, std::uint16_t mtu);

}  // namespace isthmus
