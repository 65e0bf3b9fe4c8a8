#include "dataplane/packet/drop_reason.h"

#include <cassert>
#include <span>

namespace isthmus {

namespace {

template <typename Reason>
struct Row {
  Reason reason;
  ReasonText text;
};

constexpr Row<DropReason> kDropTable[] = {
    {DropReason::kNone, {"none", "", "Not dropped."}},
    {DropReason::kFrameTruncated,
     {"frame_truncated", "parse",
      "The frame is shorter than an Ethernet header; look at the port's driver and at who sends on this network."}},
    {DropReason::kFrameScattered,
     {"frame_scattered", "rx",
      "The frame came in several buffers, which the walks do not handle; lower the MTU of the port's network below "
      "the buffer size, or turn off segmentation and receive offloads (TSO, GRO, LRO) of the sender's interface."}},
    {DropReason::kIpHeaderInvalid,
     {"ip_header_invalid", "parse",
      "IP version, header length and total length contradict each other; the sender is broken, capture and look at "
      "its source address."}},
    {DropReason::kIpChecksumWrong,
     {"ip_checksum_wrong", "parse",
      "The IPv4 header checksum is wrong: corruption on the way, or a sender that leaves it to hardware that is not "
      "there; look at the sender's checksum offload."}},
    {DropReason::kIpTruncated,
     {"ip_truncated", "parse",
      "The IP packet claims to be longer than what arrived; something on the way cuts packets, look at MTUs."}},
    {DropReason::kIpv6NotSupported,
     {"ipv6_not_supported", "parse",
      "An IPv6 packet: only IPv4 is forwarded between clusters; harmless if it is the background noise of the "
      "network."}},
    {DropReason::kL4Truncated,
     {"l4_truncated", "parse",
      "The packet, or its first fragment, ends inside the TCP, UDP or ICMP header or contradicts its length; the "
      "sender is broken or somebody tries to slip past a filter (RFC 1858)."}},
    {DropReason::kFragmentInvalid,
     {"fragment_invalid", "parse",
      "A fragment that no datagram can contain: beyond 65535 bytes, without data, or over the TCP header (RFC "
      "1858); look at who sends it."}},
    {DropReason::kNoRoute,
     {"no_route", "route_to_peer",
      "No peer's remote addresses, as they are seen here, contain the destination, or a map excepts it; look at the "
      "peers' remote maps, and at why the cluster routes this destination to the gateway."}},
    {DropReason::kSourceNotLocal,
     {"source_not_local", "route_to_peer",
      "The sender is not one of this cluster's pods for that peer, or a map excepts it; look at the pods' CIDRs and "
      "the peer's local maps, and at whether a node masquerades pod traffic before it reaches the gateway."}},
    {DropReason::kNoPortToShare,
     {"no_port_to_share", "route_to_peer",
      "Only TCP, UDP and ICMP echo in one piece can pass an address that many share (othersSeenAs); if the sender "
      "needs another protocol, or sends fragments, give it a map of its own."}},
    {DropReason::kFlowTableFull,
     {"flow_table_full", "route_to_peer",
      "Senders behind the shared address (othersSeenAs) have more flows than the gateway keeps; look at who opens "
      "so many, and give large senders maps of their own."}},
    {DropReason::kSourceFlowsFull,
     {"source_flows_full", "route_to_peer",
      "One sender behind the shared address (othersSeenAs) has as many flows as one may have, so that the others "
      "keep theirs; look at what runs there, or give it a map of its own."}},
    {DropReason::kTtlExpired,
     {"ttl_expired", "route_to_peer",
      "The packet has used up its hops at this gateway, as traceroute does on purpose; much of it means a routing "
      "loop."}},
    {DropReason::kTooBig,
     {"too_big", "fit_mtu",
      "Longer than the peer's MTU with \"don't fragment\" set; the sender was told by ICMP \"fragmentation "
      "needed\", so if it goes on, look for what filters ICMP."}},
    {DropReason::kNoBuffer,
     {"no_buffer", "fit_mtu",
      "There was no packet buffer, or no room in one, to fragment or to encapsulate the packet; give the gateway "
      "more memory, or lower the MTU in the pods so that nothing has to be fragmented."}},
    {DropReason::kHeldQueueFull,
     {"held_queue_full", "route_to_peer",
      "The peer or the next hop does not answer yet and enough packets wait for it already; look at whether its "
      "handshake or its neighbour resolution succeeds."}},
    {DropReason::kSessionExhausted,
     {"session_exhausted", "seal",
      "The session has used up its nonces and must not go on; it is replaced within seconds, and if not, look at "
      "why handshakes with the peer fail."}},
    {DropReason::kUnderlayUnresolved,
     {"underlay_unresolved", "encapsulate",
      "The peer's endpoint, the route to it or the next hop's MAC address is not known yet; look at the peer's "
      "endpoint and at the underlay port's routes and neighbours."}},
    {DropReason::kOuterFragmented,
     {"outer_fragmented", "decapsulate",
      "A tunnel message came in fragments, which are not reassembled; the path to the peer carries less than the "
      "tunnel MTU plus its headers: lower the mtu for this peer on both sides."}},
    {DropReason::kTunnelMessageMalformed,
     {"tunnel_message_malformed", "decapsulate",
      "What came to the tunnel's UDP port is no WireGuard message: a port scan, another program, or a broken "
      "middlebox."}},
    {DropReason::kHandshakeUnawaited,
     {"handshake_unawaited", "admit",
      "A handshake response or a cookie that answers nothing we asked: late, or forged; many of them without a "
      "flood mean that messages take longer than five seconds."}},
    {DropReason::kHandshakeMac1Wrong,
     {"handshake_mac1_wrong", "admit",
      "A handshake message of somebody who does not know this gateway's public key; look for a peer that still has "
      "an old key of ours, otherwise it is noise or an attack, and costs next to nothing."}},
    {DropReason::kHandshakeUnproven,
     {"handshake_unproven", "admit",
      "A handshake was asked for under load, or from an address that asks too often, and its sender was told a "
      "cookie to prove its address with; honest peers come back in five seconds, so look at who sends so many."}},
    {DropReason::kHandshakeFlood,
     {"handshake_flood", "admit",
      "One address sends more handshake messages than 50 a second and has proven that it is where it says; look at "
      "what runs there: a peer that cannot keep a session, or an attacker that is not hiding."}},
    {DropReason::kHandshakeQueueFull,
     {"handshake_queue_full", "rx",
      "More handshakes wait than the service thread can make; look at how many addresses send them, and at whether "
      "the service thread gets any CPU."}},
    {DropReason::kUnknownSession,
     {"unknown_session", "decapsulate",
      "A data message for a session that does not exist here; normal for some seconds after this gateway restarted, "
      "otherwise somebody guesses."}},
    {DropReason::kSessionExpired,
     {"session_expired", "open",
      "A data message for a session older than 180 seconds; look at whether new handshakes with this peer succeed."}},
    {DropReason::kAuthenticationFailed,
     {"authentication_failed", "open",
      "The message's tag is wrong: it was changed on the way or forged; many of them without an attack mean a path "
      "that corrupts packets."}},
    {DropReason::kReplayed,
     {"replayed", "open",
      "The message was received before, or came so late that this can no longer be told; a replay, or a path that "
      "duplicates or reorders heavily."}},
    {DropReason::kSourceNotAllowed,
     {"source_not_allowed", "authorize",
      "The peer sent from an address that none of its remote maps contains in its real form, or that one excepts; "
      "look for a missing remote map here, or at what the peer's gateway lets out."}},
    {DropReason::kDestinationNotOffered,
     {"destination_not_offered", "authorize",
      "The peer sent to an address that is not offered to it; look at the local maps for this peer here and what "
      "they except, and at the remote maps on its side."}},
    {DropReason::kFlowUnknown,
     {"flow_unknown", "authorize",
      "A packet for the shared address (othersSeenAs), or an ICMP error about one, that belongs to no flow: nobody "
      "there has asked, or so long ago that the flow has ended; senders that peers must reach first need maps of "
      "their own."}},
    {DropReason::kEcnCongestedNotCapable,
     {"ecn_congested_not_capable", "authorize",
      "A router between the gateways marked the tunnel message as congested, and the packet inside is of a sender "
      "that learns of congestion by loss alone (RFC 6040); look at the path to the peer: it is full, or marks what "
      "it should not."}},
    {DropReason::kNoRouteToPod,
     {"no_route_to_pod", "resolve_next_hop",
      "The cluster port has no route to the destination; look at the routes of the interface, or the device's "
      "addresses and gateway."}},
    {DropReason::kServiceQueueFull,
     {"service_queue_full", "rx",
      "The service thread is behind and its mailbox was full; look at a flood of unresolved neighbours, and at "
      "whether the service thread gets any CPU."}},
    {DropReason::kNeighbourUnresolved,
     {"neighbour_unresolved", "resolve_next_hop",
      "Nobody answered when we asked for the next hop's MAC address; look at whether the pod or router is up and on "
      "the port's network."}},
    {DropReason::kNoSession,
     {"no_session", "route_to_peer",
      "No handshake with the peer succeeded while the packet waited; look at the peer's endpoint, the keys of both "
      "sides and the handshake counters."}},
    {DropReason::kTransmitFull,
     {"transmit_full", "tx",
      "The port's transmit queue was full; it is the bottleneck, look at its speed and at what else uses it."}},
};

constexpr Row<Punt> kPuntTable[] = {
    {Punt::kNone, {"none", "", "Not punted."}},
    {Punt::kHandshake, {"handshake", "decapsulate", "A handshake message, handed to the service thread."}},
    {Punt::kKeepalive, {"keepalive", "open", "An authenticated empty message that says the peer is alive."}},
    {Punt::kAwaitSession,
     {"await_session", "route_to_peer",
      "Held until a session with the peer stands; if the number goes on growing, look at why handshakes fail."}},
    {Punt::kAwaitNeighbour,
     {"await_neighbour", "resolve_next_hop",
      "Held until the next hop's MAC address is known; if the number goes on growing, look at the port's neighbours."}},
    {Punt::kNeighbourMessage,
     {"neighbour_message", "parse",
      "ARP or neighbour discovery, handed to the service thread on a port without a kernel."}},
    {Punt::kNotOurs,
     {"not_ours", "parse",
      "For another machine, or for the kernel that owns the port and has its own copy: nothing to look at."}},
};

// As long as the enum, in the enum's order, each with all its texts; "none" alone has no stage.
template <typename Reason>
constexpr bool complete(std::span<const Row<Reason>> table) {
  if (table.size() != static_cast<std::size_t>(Reason::kCount)) return false;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto& [reason, text] = table[i];
    if (static_cast<std::size_t>(reason) != i || text.name.empty() || text.help.empty()) return false;
    if (text.stage.empty() != (reason == Reason::kNone)) return false;
  }
  return true;
}
static_assert(complete<DropReason>(kDropTable) && complete<Punt>(kPuntTable));

}  // namespace

const ReasonText& describe(DropReason reason) {
  assert(reason < DropReason::kCount);
  return kDropTable[static_cast<std::size_t>(reason)].text;
}

const ReasonText& describe(Punt punt) {
  assert(punt < Punt::kCount);
  return kPuntTable[static_cast<std::size_t>(punt)].text;
}

std::optional<DropReason> drop_reason_from_name(std::string_view name) {
  for (const auto& [reason, text] : std::span(kDropTable).subspan(1)) {
    if (text.name == name) return reason;
  }
  return std::nullopt;
}

}  // namespace isthmus
