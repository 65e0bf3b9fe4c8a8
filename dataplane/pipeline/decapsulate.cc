#include "dataplane/pipeline/decapsulate.h"

#include <array>

#include "dataplane/packet/ecn.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/parse.h"
#include "dataplane/pipeline/parse.h"
#include "tunnel/wire.h"

namespace isthmus::pipeline {
namespace {

constexpr auto kUdp = static_cast<std::uint8_t>(IpProtocol::kUdp);
constexpr std::uint8_t kIpv6Fragment = 44;  // RFC 8200 section 4.5

bool not_ours(Packet& packet) {
  packet.punt = Punt::kNotOurs;
  return false;
}
bool die(Packet& packet, DropReason reason) {
  packet.drop = reason;
  return false;
}

// `data` at an IPv6 header; afterwards l4_offset is its length. Extension headers before UDP are not for us, but for a
// fragment header: a tunnel message that was cut on its way.
bool parse_outer_ipv6(const NextHops& underlay, Packet& packet) {
  if (packet.length < sizeof(Ipv6Header)) return die(packet, DropReason::kIpTruncated);
  const auto& ip = *packet.header<Ipv6Header>();
  if (ip.version_class_flow >> 28 != 6) return die(packet, DropReason::kIpHeaderInvalid);
  const std::size_t total = sizeof(Ipv6Header) + ip.payload_length;
  if (total > packet.length) return die(packet, DropReason::kIpTruncated);
  if (!underlay.is_own(ip.destination)) return not_ours(packet);
  if (ip.next_header == kIpv6Fragment) return die(packet, DropReason::kOuterFragmented);
  if (ip.next_header != kUdp) return not_ours(packet);
  packet.resize(total);
  packet.l4_offset = sizeof(Ipv6Header);
  packet.outer_ecn = static_cast<std::uint8_t>(ecn_of(ip)) & kEcnMask;
  return true;
}

bool parse_outer_ipv4(const NextHops& underlay, const ForwardingTables& tables, Packet& packet) {
  if (!parse_ipv4(packet)) return false;
  const auto& ip = *packet.header<Ipv4Header>();
  if (!underlay.is_own(Ipv4Address{ip.destination}) || packet.protocol != kUdp || !packet.has_l4)
    return not_ours(packet);
  if (packet.is_fragment && tables.lane_number(packet.header<UdpHeader>(packet.l4_offset)->destination_port)) {
    return die(packet, DropReason::kOuterFragmented);
  }
  packet.outer_ecn = static_cast<std::uint8_t>(ecn_of(ip)) & kEcnMask;
  return !packet.is_fragment || not_ours(packet);
}

bool is_ipv6_for(const NextHops& underlay, const Packet& packet) {
  if (packet.length < sizeof(EthernetHeader) + sizeof(Ipv6Header)) return false;
  const auto& ethernet = *packet.header<EthernetHeader>();
  const auto icmpv6 = static_cast<std::uint8_t>(IpProtocol::kIcmpv6);
  return ethernet.ether_type == static_cast<std::uint16_t>(EtherType::kIpv6) &&
         ethernet.destination == underlay.own_mac() &&
         packet.header<Ipv6Header>(sizeof(EthernetHeader))->next_header != icmpv6;
}

// Leaves `data` at the WireGuard message and returns the number of the lanes whose port it came to. False when the
// packet does not walk on.
bool strip_outer(const ForwardingTables& tables, const NextHops& underlay, bool kernel_owned, Packet& packet,
                 std::uint32_t& number) {
  if (is_ipv6_for(underlay, packet)) {
    packet.pull(sizeof(EthernetHeader));
    if (!parse_outer_ipv6(underlay, packet)) return false;
  } else if (!parse_frame_for_us(underlay, kernel_owned, packet) || !parse_outer_ipv4(underlay, tables, packet)) {
    return false;
  }
  if (packet.length < packet.l4_offset + sizeof(UdpHeader)) return die(packet, DropReason::kL4Truncated);
  const auto& udp = *packet.header<UdpHeader>(packet.l4_offset);
  const auto lanes = tables.lane_number(udp.destination_port);
  if (!lanes) return not_ours(packet);
  number = *lanes;
  if (udp.length < sizeof(UdpHeader) || packet.l4_offset + udp.length > packet.length) {
    return die(packet, DropReason::kL4Truncated);
  }
  packet.resize(packet.l4_offset + udp.length);
  packet.pull(packet.l4_offset + sizeof(UdpHeader));
  return true;
}

bool is_handshake(std::uint32_t type, std::uint32_t length) {
  using tunnel::MessageType;
  switch (static_cast<MessageType>(type)) {
    case MessageType::kInitiation:
      return length == sizeof(tunnel::MessageInitiation);
    case MessageType::kResponse:
      return length == sizeof(tunnel::MessageResponse);
    case MessageType::kCookieReply:
      return length == sizeof(tunnel::MessageCookieReply);
    case MessageType::kData:
      return false;
  }
  return false;
}

// Data messages walk on; handshakes go to the service thread.
void sort_by_type(const tunnel::SessionTable& sessions, Packet& packet) {
  const std::uint32_t type = packet.length >= sizeof(Little32) ? std::uint32_t{*packet.header<Little32>()} : 0;
  if (type != static_cast<std::uint32_t>(tunnel::MessageType::kData)) {
    if (is_handshake(type, packet.length)) {
      packet.punt = Punt::kHandshake;
    } else {
      packet.drop = DropReason::kTunnelMessageMalformed;
    }
    return;
  }
  if (packet.length < tunnel::kDataOverhead) {
    packet.drop = DropReason::kTunnelMessageMalformed;
    return;
  }
  sessions.prefetch(packet.header<tunnel::DataHeader>()->receiver_index);
}

void find_session(const tunnel::SessionTable& sessions, std::uint32_t number, Packet& packet) {
  packet.session = sessions.find(packet.header<tunnel::DataHeader>()->receiver_index);
  if (packet.session == nullptr || packet.session->lane.number != number) {
    packet.drop = DropReason::kUnknownSession;
    return;
  }
  packet.peer = packet.session->lane.peer;
}

}  // namespace

void decapsulate(const ForwardingTables& tables, const NextHops& underlay, bool kernel_owned,
                 const tunnel::SessionTable& sessions, PacketBurst& burst) {
  // Each round asks for the lines that the next one reads, for the whole burst at once (route_to_peer does the same).
  std::array<std::uint8_t, kBurstCapacity> lanes;
  const Packet* const first = burst.all().data();
  burst.each([&](Packet& packet) {
    std::uint32_t number = 0;
    if (strip_outer(tables, underlay, kernel_owned, packet, number)) sort_by_type(sessions, packet);
    lanes[static_cast<std::size_t>(&packet - first)] = static_cast<std::uint8_t>(number);
  });
  burst.each([&](const Packet& packet) {
    const auto& header = *packet.header<tunnel::DataHeader>();
    if (const auto* session = sessions.in_slot(header.receiver_index)) session->prefetch_receiving(header.counter);
  });
  burst.each([&](Packet& packet) { find_session(sessions, lanes[static_cast<std::size_t>(&packet - first)], packet); });
}

}  // namespace isthmus::pipeline
