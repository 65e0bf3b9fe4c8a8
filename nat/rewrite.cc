#include "nat/rewrite.h"

#include <cassert>

#include "dataplane/packet/checksum.h"
#include "nat/icmp_inner.h"

namespace isthmus::nat {

void rewrite(Packet& packet) {
  const PrefixMap& source_map = *packet.source_map;
  const PrefixMap& destination_map = *packet.destination_map;
  auto& ip = *packet.header<Ipv4Header>();
  assert(source_map.real.contains({ip.source}) && destination_map.seen_as.contains({ip.destination}));

  ip.source = source_map.translate({ip.source}, kSourceTranslation).value;
  ip.destination = destination_map.translate({ip.destination}, kDestinationTranslation).value;
  const std::uint16_t delta =
      fold(std::uint32_t{source_map.delta(kSourceTranslation)} + destination_map.delta(kDestinationTranslation));
  ip.checksum = update_checksum(ip.checksum, delta);

  if (!packet.has_l4) return;
  switch (IpProtocol{packet.protocol}) {
    case IpProtocol::kTcp: {
      auto& checksum = packet.header<TcpHeader>(packet.l4_offset)->checksum;
      checksum = update_checksum(checksum, delta);
      break;
    }
    case IpProtocol::kUdp: {
      auto& checksum = packet.header<UdpHeader>(packet.l4_offset)->checksum;
      checksum = update_udp_checksum(checksum, delta);
      break;
    }
    case IpProtocol::kIcmp:  // no pseudo header: the outer addresses are not in its checksum
      rewrite_quote(packet);
      break;
    case IpProtocol::kIcmpv6:
      break;
  }
}

}  // namespace isthmus::nat
