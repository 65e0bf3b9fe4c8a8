#include "dataplane/pipeline/share_address.h"

#include "dataplane/packet/headers.h"
#include "nat/flow_port.h"

namespace isthmus::pipeline {
namespace {

using nat::Flow;
using nat::FlowEnd;
using nat::FlowPort;

// Not of a fragment: its other pieces do not say whose they are.
std::optional<FlowPort> port_of_whole(Packet& packet, FlowEnd end) {
  return packet.is_fragment ? std::nullopt : nat::find_flow_port(packet, end);
}

std::uint8_t tcp_flags(const Packet& packet) {
  const bool tcp = IpProtocol{packet.protocol} == IpProtocol::kTcp;
  return tcp ? packet.header<TcpHeader>(packet.l4_offset)->flags : std::uint8_t{0};
}

bool die(Packet& packet, DropReason reason) {
  packet.drop = reason;
  return false;
}

}  // namespace

bool leave_by_shared_address(const ForwardingTables& tables, nat::FlowTable& flows, Instant now, Packet& packet) {
  const PeerTables& peer = tables.peers[static_cast<std::size_t>(packet.peer)];
  const Ipv4Address source{packet.header<Ipv4Header>()->source};
  // What came from one peer does not go on to another as if it were ours.
  if (!peer.others_seen_as || tables.route_by_seen_as.lookup(source) != route::PrefixTable::kMissing) {
    return die(packet, DropReason::kSourceNotLocal);
  }
  const std::optional<FlowPort> port = port_of_whole(packet, FlowEnd::kSource);
  if (!port) return die(packet, DropReason::kNoPortToShare);
  const nat::FlowSender sender{packet.peer, port->address, port->protocol, *port->port};
  DropReason refusal = DropReason::kFlowUnknown;
  // An error is about a flow that stands already, and keeps none alive (RFC 5508 REQ-4).
  Flow* flow = port->quoted ? flows.of_sender(sender, *peer.others_seen_as, now)
                            : flows.open(sender, *peer.others_seen_as, now, refusal);
  // The rewriting of the error's own source is by the same map: it has to come from the sender itself.
  if (flow == nullptr || port->address != source) return die(packet, refusal);
  if (!port->quoted) flow->sent(tcp_flags(packet), now);
  packet.source_map = &flow->map;
  packet.source_shared = true;
  return true;
}

bool enter_by_shared_address(const PeerTables& peer, nat::FlowTable& flows, Instant now, Packet& packet) {
  const std::optional<FlowPort> port = port_of_whole(packet, FlowEnd::kDestination);
  if (!port) return die(packet, DropReason::kNoPortToShare);
  Flow* flow = flows.of_port(packet.peer, *peer.others_seen_as, port->protocol, *port->port, now);
  if (flow == nullptr || port->address != *peer.others_seen_as) return die(packet, DropReason::kFlowUnknown);
  if (!port->quoted) flow->received(tcp_flags(packet), now);
  packet.destination_map = &flow->map;
  packet.destination_shared = true;
  return true;
}

}  // namespace isthmus::pipeline
