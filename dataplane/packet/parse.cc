#include "dataplane/packet/parse.h"

#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/headers.h"

namespace isthmus {

namespace {

constexpr std::uint8_t kFirstDiscoveryType = 133;  // router solicitation (RFC 4861 section 4)
constexpr std::uint8_t kLastDiscoveryType = 137;   // redirect

bool die(Packet& packet, DropReason reason) {
  packet.drop = reason;
  return false;
}

bool is_neighbour_discovery(const Packet& frame) {
  constexpr std::size_t kIcmp = sizeof(EthernetHeader) + sizeof(Ipv6Header);
  if (frame.length < kIcmp + 1) return false;
  const auto* ip = frame.header<Ipv6Header>(sizeof(EthernetHeader));
  const std::uint8_t type = frame.data[kIcmp];
  return IpProtocol{ip->next_header} == IpProtocol::kIcmpv6 && type >= kFirstDiscoveryType &&
         type <= kLastDiscoveryType;
}

// Whether all words add up to "minus zero", in the byte order of the machine: it does not matter here.
bool header_checksum_right(const std::uint8_t* header, std::size_t length) {
  if (length != sizeof(Ipv4Header)) return sum_bytes(header, length) == 0xffff;
  std::uint32_t words[5];
  static_assert(sizeof words == sizeof(Ipv4Header));
  std::memcpy(words, header, sizeof words);
  return fold(std::uint64_t{words[0]} + words[1] + words[2] + words[3] + words[4]) == 0xffff;
}

// Reads only what is inside the packet; `whole` means not a fragment, so that lengths of the datagram must match too.
bool l4_header_complete(const Packet& packet, bool whole) {
  const std::size_t available = packet.length - packet.l4_offset;
  switch (IpProtocol{packet.protocol}) {
    case IpProtocol::kTcp: {
      if (available < sizeof(TcpHeader)) return false;
      const std::size_t header_length = (packet.header<TcpHeader>(packet.l4_offset)->data_offset >> 4) * 4U;
      return header_length >= sizeof(TcpHeader) && header_length <= available;
    }
    case IpProtocol::kUdp: {
      if (available < sizeof(UdpHeader)) return false;
      const std::uint16_t length = packet.header<UdpHeader>(packet.l4_offset)->length;
      return length >= sizeof(UdpHeader) && (!whole || length <= available);
    }
    default:
      return available >= sizeof(IcmpHeader);
  }
}

bool protocol_known(std::uint8_t protocol) {
  return IpProtocol{protocol} == IpProtocol::kTcp || IpProtocol{protocol} == IpProtocol::kUdp ||
         IpProtocol{protocol} == IpProtocol::kIcmp;
}

bool fragment_valid(const Packet& packet, std::size_t offset) {
  if (offset == 0) return true;
  if (packet.length == packet.l4_offset || offset + packet.length > 0xffff) return false;
  // The first fragment holds at least a TCP header: one that starts inside it wants to overwrite it (RFC 1858 section
  // 4).
  return IpProtocol{packet.protocol} != IpProtocol::kTcp || offset >= sizeof(TcpHeader);
}

}  // namespace

bool parse_ethernet(Packet& packet) {
  if (packet.length < sizeof(EthernetHeader)) return die(packet, DropReason::kFrameTruncated);
  const std::uint16_t type = packet.header<EthernetHeader>()->ether_type;
  switch (EtherType{type}) {
    case EtherType::kIpv4:
      packet.pull(sizeof(EthernetHeader));
      return true;
    case EtherType::kArp:
      packet.punt = Punt::kNeighbourMessage;
      return false;
    case EtherType::kIpv6:
      if (!is_neighbour_discovery(packet)) return die(packet, DropReason::kIpv6NotSupported);
      packet.punt = Punt::kNeighbourMessage;
      return false;
    default:
      packet.punt = Punt::kNotOurs;
      return false;
  }
}

bool parse_ipv4(Packet& packet) {
  if (packet.length < sizeof(Ipv4Header)) return die(packet, DropReason::kIpTruncated);
  const auto& ip = *packet.header<Ipv4Header>();
  const unsigned header_length = ip.header_length();
  const std::uint16_t total_length = ip.total_length;
  if (ip.version() != 4 || header_length < sizeof(Ipv4Header) || total_length < header_length) {
    return die(packet, DropReason::kIpHeaderInvalid);
  }
  if (total_length > packet.length) return die(packet, DropReason::kIpTruncated);
  if (!header_checksum_right(packet.data, header_length)) return die(packet, DropReason::kIpChecksumWrong);

  packet.resize(total_length);
  const std::uint16_t fragment = ip.fragment;
  const bool later = fragment & Ipv4Header::kOffsetMask;
  packet.protocol = ip.protocol;
  packet.l4_offset = static_cast<std::uint8_t>(header_length);
  packet.is_fragment = fragment & (Ipv4Header::kMoreFragments | Ipv4Header::kOffsetMask);
  packet.dont_fragment = fragment & Ipv4Header::kDontFragment;
  packet.has_l4 = !later && protocol_known(ip.protocol);

  if (later && !fragment_valid(packet, (fragment & Ipv4Header::kOffsetMask) * 8U)) {
    return die(packet, DropReason::kFragmentInvalid);
  }
  if (packet.has_l4 && !l4_header_complete(packet, !packet.is_fragment)) return die(packet, DropReason::kL4Truncated);
  return true;
}

void finish_l4_checksum(Packet& packet) {
  if (!packet.has_l4 || packet.is_fragment) return;
  const bool udp = IpProtocol{packet.protocol} == IpProtocol::kUdp;
  if (!udp && IpProtocol{packet.protocol} != IpProtocol::kTcp) return;

  auto& field =
      udp ? packet.header<UdpHeader>(packet.l4_offset)->checksum : packet.header<TcpHeader>(packet.l4_offset)->checksum;
  const std::uint16_t length = udp ? std::uint16_t{packet.header<UdpHeader>(packet.l4_offset)->length}
                                   : static_cast<std::uint16_t>(packet.length - packet.l4_offset);
  const auto& ip = *packet.header<Ipv4Header>();
  if (field != fold(sum_pseudo_header({ip.source}, {ip.destination}, packet.protocol, length))) return;
  // The field holds the pseudo header's part already. A right checksum that happens to look unfinished stays as it is.
  const auto checksum = static_cast<std::uint16_t>(~fold(sum_bytes(packet.data + packet.l4_offset, length)));
  field = udp && checksum == 0 ? std::uint16_t{0xffff} : checksum;
}

}  // namespace isthmus
