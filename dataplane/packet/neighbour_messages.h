#pragma once
// Questions and answers about "who has this address": ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861), as frames.
// For ports without a kernel, and without I/O: the service thread sends what these functions build.

#include <optional>

#include "dataplane/packet/address.h"
#include "dataplane/packet/packet.h"

namespace isthmus {

struct NeighbourMessage {
  bool is_request = false;  // ARP request or neighbour solicitation; otherwise reply or advertisement
  IpAddress sender;         // unset (all zero) for a duplicate address detection probe
  MacAddress sender_mac;    // meaningful if has_sender_mac
  bool has_sender_mac = false;
  IpAddress target;  // the address asked for (request) or told about (reply)
};

// `packet` is a whole frame. Nothing when it is not a well-formed ARP or neighbour discovery message: wrong lengths,
// hop limit other than 255, bad ICMPv6 checksum, multicast target, multicast sender MAC.
std::optional<NeighbourMessage> parse_neighbour_message(const Packet& packet);

// Writes a frame into `packet` (a fresh buffer: length 0, enough tailroom); length is set. ARP requests are broadcast
// and padded to 60 bytes, solicitations go to the solicited-node multicast address (RFC 4291 section 2.7.1).
void write_neighbour_request(Packet& packet, const MacAddress& own_mac, const IpAddress& own, const IpAddress& target);
void write_neighbour_reply(Packet& packet, const MacAddress& own_mac, const IpAddress& own, const MacAddress& asker_mac,
                           const IpAddress& asker);

}  // namespace isthmus
