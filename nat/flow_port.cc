#include "nat/flow_port.h"

#include <algorithm>
#include <cstddef>

#include "dataplane/packet/checksum.h"

namespace isthmus::nat {
namespace {

// Every L4 header that is quoted is quoted this far at least (RFC 792).
constexpr std::size_t kLeastQuote = 8;

// The port in an L4 header of which `available` bytes are there.
bool find_in_header(std::uint8_t* l4, std::size_t available, FlowEnd end, FlowPort& found) {
  switch (found.protocol) {
    case IpProtocol::kTcp: {
      auto& tcp = *reinterpret_cast<TcpHeader*>(l4);
      found.port = end == FlowEnd::kSource ? &tcp.source_port : &tcp.destination_port;
      constexpr std::size_t kNeeded = offsetof(TcpHeader, checksum) + sizeof(Big16);
      if (available >= kNeeded) found.checksum = &tcp.checksum;
      return true;
    }
    case IpProtocol::kUdp: {
      auto& udp = *reinterpret_cast<UdpHeader*>(l4);
      found.port = end == FlowEnd::kSource ? &udp.source_port : &udp.destination_port;
      found.checksum = &udp.checksum;
      return true;
    }
    case IpProtocol::kIcmp: {
      auto& icmp = *reinterpret_cast<IcmpHeader*>(l4);
      found.port = reinterpret_cast<Big16*>(&icmp.rest);
      found.checksum = &icmp.checksum;
      return icmp.type == (end == FlowEnd::kSource ? IcmpHeader::kEchoRequest : IcmpHeader::kEchoReply);
    }
    default:
      return false;
  }
}

std::optional<FlowPort> find_in_quote(Packet& packet, FlowEnd end) {
  const std::size_t quote = packet.l4_offset + sizeof(IcmpHeader);
  if (packet.length < quote + sizeof(Ipv4Header)) return std::nullopt;
  const auto& ip = *packet.header<Ipv4Header>(quote);
  const std::size_t quoted = std::min<std::size_t>(packet.length - quote, ip.total_length);
  if (ip.version() != 4 || ip.header_length() < sizeof(Ipv4Header) || (ip.fragment & Ipv4Header::kOffsetMask) != 0 ||
      quoted < ip.header_length() + kLeastQuote) {
    return std::nullopt;
  }
  const FlowEnd other = end == FlowEnd::kSource ? FlowEnd::kDestination : FlowEnd::kSource;
  FlowPort found{.protocol = IpProtocol{ip.protocol},
                 .address = {other == FlowEnd::kSource ? ip.source : ip.destination},
                 .quoted = true};
  std::uint8_t* l4 = packet.data + quote + ip.header_length();
  if (!find_in_header(l4, quoted - ip.header_length(), other, found)) return std::nullopt;
  return found;
}

}  // namespace

std::optional<FlowPort> find_flow_port(Packet& packet, FlowEnd end) {
  if (!packet.has_l4) return std::nullopt;
  const auto& ip = *packet.header<Ipv4Header>();
  const bool icmp = IpProtocol{packet.protocol} == IpProtocol::kIcmp;
  if (icmp && IcmpHeader::is_error(packet.header<IcmpHeader>(packet.l4_offset)->type)) {
    return find_in_quote(packet, end);
  }
  FlowPort found{.protocol = IpProtocol{packet.protocol},
                 .address = {end == FlowEnd::kSource ? ip.source : ip.destination}};
  if (!find_in_header(packet.data + packet.l4_offset, packet.length - packet.l4_offset, end, found)) {
    return std::nullopt;
  }
  return found;
}

// As in icmp_inner.cc: what changes lies at an even distance from the ICMP header, so its delta serves that sum too.
void rewrite_flow_port(Packet& packet, const Flow& flow, FlowEnd end) {
  const std::optional<FlowPort> found = find_flow_port(packet, end);
  if (!found) return;
  const std::uint16_t to = end == FlowEnd::kSource ? flow.port : flow.sender.port;
  const std::uint16_t port = checksum_delta(*found->port, to);
  std::uint32_t delta = port;
  *found->port = to;
  if (found->checksum != nullptr) {
    const std::uint16_t before = *found->checksum;
    const bool udp = found->protocol == IpProtocol::kUdp;
    *found->checksum = udp ? update_udp_checksum(before, port) : update_checksum(before, port);
    delta += checksum_delta(before, *found->checksum);
  }
  if (!found->quoted) return;
  auto& icmp = *packet.header<IcmpHeader>(packet.l4_offset);
  icmp.checksum = update_checksum(icmp.checksum, fold(delta));
}

}  // namespace isthmus::nat
