#include "dataplane/packet/icmp_error.h"

#include <algorithm>
#include <cassert>

#include "dataplane/packet/checksum.h"

namespace isthmus {

namespace {

constexpr std::size_t kMaxQuote = 576 - kIcmpErrorHeaders;
constexpr std::uint8_t kInternetworkControl = 0xc0;  // RFC 1812 section 4.3.2.5
constexpr std::uint8_t kTtl = 64;

struct TypeAndCode {
  std::uint8_t type;
  std::uint8_t code;
};

// RFC 792; RFC 1812 section 5.2.7.1 for code 10.
constexpr TypeAndCode wire_form(IcmpErrorKind kind) {
  switch (kind) {
    case IcmpErrorKind::kTimeExceeded:
      return {IcmpHeader::kTimeExceeded, 0};
    case IcmpErrorKind::kFragmentationNeeded:
      return {IcmpHeader::kUnreachable, IcmpHeader::kCodeFragmentationNeeded};
    case IcmpErrorKind::kNetUnreachable:
      return {IcmpHeader::kUnreachable, 0};
    case IcmpErrorKind::kHostProhibited:
      return {IcmpHeader::kUnreachable, 10};
  }
  return {};
}

// Zero, loopback, multicast, limited broadcast. Class E counts as a host here: 240.0.0.0/4 is a pool that people remap
// to.
bool is_single_host(Ipv4Address address) {
  const std::uint32_t first = address.value >> 24;
  return address.value != 0 && address.value != ~std::uint32_t{0} && first != 127 && (first < 224 || first > 239);
}

}  // namespace

bool deserves_icmp_error(const Packet& packet) {
  const auto& ip = *packet.header<Ipv4Header>();
  if (ip.fragment & Ipv4Header::kOffsetMask) return false;
  if (!is_single_host({ip.source}) || !is_single_host({ip.destination})) return false;
  return IpProtocol{packet.protocol} != IpProtocol::kIcmp ||
         !IcmpHeader::is_error(packet.header<IcmpHeader>(packet.l4_offset)->type);
}

void make_icmp_error(Packet& packet, IcmpErrorKind kind, Ipv4Address sender, std::uint16_t mtu) {
  assert(packet.length >= sizeof(Ipv4Header) && packet.headroom >= kIcmpErrorHeaders);
  const std::uint32_t receiver = packet.header<Ipv4Header>()->source;
  packet.resize(std::min<std::size_t>(packet.length, kMaxQuote));
  packet.push(kIcmpErrorHeaders);

  // An atomic datagram: DF set, so the identification means nothing (RFC 6864 section 4).
  auto& ip = *packet.header<Ipv4Header>();
  ip = {.version_ihl = 0x45,
        .tos = kInternetworkControl,
        .total_length = static_cast<std::uint16_t>(packet.length),
        .identification = 0,
        .fragment = Ipv4Header::kDontFragment,
        .ttl = kTtl,
        .protocol = static_cast<std::uint8_t>(IpProtocol::kIcmp),
        .checksum = 0,
        .source = sender.value,
        .destination = receiver};
  ip.checksum = ipv4_header_checksum(ip);

  auto& icmp = *packet.header<IcmpHeader>(sizeof(Ipv4Header));
  const auto [type, code] = wire_form(kind);
  icmp = {.type = type, .code = code, .checksum = 0, .rest = 0};
  if (kind == IcmpErrorKind::kFragmentationNeeded) icmp.rest = mtu;
  const std::size_t icmp_length = packet.length - sizeof(Ipv4Header);
  icmp.checksum = static_cast<std::uint16_t>(~fold(sum_bytes(packet.data + sizeof(Ipv4Header), icmp_length)));

  packet.protocol = ip.protocol;
  packet.l4_offset = sizeof(Ipv4Header);
  packet.has_l4 = true;
  packet.is_fragment = false;
  packet.dont_fragment = true;
}

}  // namespace isthmus
