#pragma once
// Bytes become offsets, once. After these functions have let a packet pass, nobody checks a length again.

#include "dataplane/packet/packet.h"

namespace isthmus {

// Ethernet: `packet` is a frame. On an IPv4 frame moves `data` to the IP header and returns true. Otherwise sets
// packet.drop (frame too short, IPv6) or packet.punt: kNeighbourMessage for ARP and for ICMPv6 neighbour discovery,
// kNotOurs for any other EtherType. `data` stays at the frame when it returns false.
bool parse_ethernet(Packet& packet);

// IPv4: `data` is at the IP header; packet.length may include trailing padding, which is cut off. Fills protocol,
// l4_offset, has_l4, is_fragment, dont_fragment; sets packet.drop and returns false when
//   - version, header length or total length contradict each other or the packet (kIpHeaderInvalid, kIpTruncated),
//   - the header checksum is wrong (kIpChecksumWrong; RFC 1812 section 5.2.2),
//   - a fragment overruns 65535 bytes, is a later fragment without data, or a later fragment of TCP that starts inside
//     the TCP header (kFragmentInvalid; RFC 791, RFC 1858),
//   - the first fragment (or whole packet) of TCP, UDP or ICMP ends inside its L4 header, or TCP's data offset or (of a
//     whole packet) UDP's length field exceeds the packet or is below the header's length (kL4Truncated).
// has_l4 holds for whole packets and first fragments of TCP, UDP and ICMP: at least 20, 8 and 8 bytes of L4 header.
bool parse_ipv4(Packet& packet);

// A kernel that sends through a virtual port leaves TCP and UDP checksums to hardware that does not exist: the field
// holds the folded pseudo-header sum. Finishes such a checksum; leaves every other packet alone. Call after parse_ipv4,
// only on ports that a kernel feeds: a wrong checksum that looks unfinished (1 in 65536) would be repaired.
void finish_l4_checksum(Packet& packet);

}  // namespace isthmus
