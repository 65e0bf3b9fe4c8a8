#include "nat/icmp_inner.h"

#include <algorithm>
#include <cstddef>

#include "dataplane/packet/checksum.h"
#include "nat/rewrite.h"

namespace isthmus::nat {

namespace {

// Writes `to` and returns what that does to every sum the word is part of.
std::uint16_t replace(Big16& word, std::uint16_t to) {
  const std::uint16_t delta = checksum_delta(word, to);
  word = to;
  return delta;
}

// The delta of the address's own words; zero when the map has nothing to say about it.
std::uint16_t translate_quoted(Big32& address, const PrefixMap& map, Translation translation) {
  const Ipv4Prefix& from = translation == Translation::kRealToSeenAs ? map.real : map.seen_as;
  const Ipv4Address before{address};
  if (!from.contains(before)) return 0;
  address = map.translate(before, translation).value;
  return map.delta(translation);
}

// The quoted TCP or UDP checksum covers the quoted addresses, if the quote reaches that far.
std::uint16_t follow_l4(std::uint8_t* l4, std::size_t available, IpProtocol protocol, std::uint16_t addresses) {
  if (protocol == IpProtocol::kTcp) {
    auto& tcp = *reinterpret_cast<TcpHeader*>(l4);
    constexpr std::size_t kNeeded = offsetof(TcpHeader, checksum) + sizeof(Big16);
    return available < kNeeded ? 0 : replace(tcp.checksum, update_checksum(tcp.checksum, addresses));
  }
  if (protocol == IpProtocol::kUdp && available >= sizeof(UdpHeader)) {
    auto& udp = *reinterpret_cast<UdpHeader*>(l4);
    return replace(udp.checksum, update_udp_checksum(udp.checksum, addresses));
  }
  return 0;
}

}  // namespace

// Every changed word lies at an even distance from the ICMP header, so its delta serves the ICMP checksum as it is.
void rewrite_quote(Packet& packet) {
  auto& icmp = *packet.header<IcmpHeader>(packet.l4_offset);
  const std::size_t quote = packet.l4_offset + sizeof(IcmpHeader);
  if (!IcmpHeader::is_error(icmp.type) || packet.length < quote + sizeof(Ipv4Header)) return;
  auto& ip = *packet.header<Ipv4Header>(quote);
  if (ip.version() != 4 || ip.header_length() < sizeof(Ipv4Header)) return;

  // The quoted packet went the other way: the roles are exchanged.
  const std::uint16_t addresses =
      fold(std::uint32_t{translate_quoted(ip.destination, *packet.source_map, kSourceTranslation)} +
           translate_quoted(ip.source, *packet.destination_map, kDestinationTranslation));
  std::uint32_t delta = addresses;
  delta += replace(ip.checksum, update_checksum(ip.checksum, addresses));

  // RFC 4884 section 5.1 pads short quotes: what lies beyond the quoted length is not the quoted packet.
  const std::size_t quoted = std::min<std::size_t>(packet.length - quote, ip.total_length);
  if ((ip.fragment & Ipv4Header::kOffsetMask) == 0 && quoted > ip.header_length()) {
    delta += follow_l4(packet.data + quote + ip.header_length(), quoted - ip.header_length(), IpProtocol{ip.protocol},
                       addresses);
  }
  icmp.checksum = update_checksum(icmp.checksum, fold(delta));
}

}  // namespace isthmus::nat
