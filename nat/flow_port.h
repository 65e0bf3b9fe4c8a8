#pragma once
// The port of one end of a packet, or the identifier of an ICMP echo, which a flow translates.

#include <optional>

#include "dataplane/packet/packet.h"
#include "nat/flow_table.h"

namespace isthmus::nat {

enum class FlowEnd : std::uint8_t { kSource, kDestination };

// Where it lies. In an ICMP error it is that of the quoted packet, which went the other way: its destination is the
// error's source.
struct FlowPort {
  IpProtocol protocol{};
  Ipv4Address address;  // the same end's
  Big16* port = nullptr;
  Big16* checksum = nullptr;  // the sum that covers the port; nullptr: the quote does not reach it
  bool quoted = false;
};

// nullopt: the packet has none. `packet` is parsed. Of an echo, the side that asks has a flow: so the source of a
// request and the destination of a reply are ends of one.
std::optional<FlowPort> find_flow_port(Packet& packet, FlowEnd end);

// Writes the flow's port, with every checksum that covers it; a packet without one (a later piece of a datagram that
// was cut here) stays as it is. Addresses are rewrite's.
void rewrite_flow_port(Packet& packet, const Flow& flow, FlowEnd end);

}  // namespace isthmus::nat
