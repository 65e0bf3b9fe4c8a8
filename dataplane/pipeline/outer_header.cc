#include "dataplane/pipeline/outer_header.h"

#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/ecn.h"

namespace isthmus::pipeline {
namespace {

constexpr auto kUdp = static_cast<std::uint8_t>(IpProtocol::kUdp);

template <typename Header>
Header& header_in(std::array<std::uint8_t, OuterHeader::kMaxSize>& bytes) {
  return *reinterpret_cast<Header*>(bytes.data());
}
template <typename Header>
const Header& header_in(const std::array<std::uint8_t, OuterHeader::kMaxSize>& bytes) {
  return *reinterpret_cast<const Header*>(bytes.data());
}

void fill_ends(EthernetHeader& ethernet, UdpHeader& udp, const OuterHeader::Ends& ends, EtherType type) {
  ethernet = {ends.next_hop_mac, ends.source_mac, static_cast<std::uint16_t>(type)};
  udp.source_port = ends.source_port;
  udp.destination_port = ends.destination.port;
}

const UdpHeader& udp_of(const Packet& message) {
  return *reinterpret_cast<const UdpHeader*>(message.data - sizeof(UdpHeader));
}
// l4_offset is the length of the IP header that decapsulate parsed, whatever its version.
const std::uint8_t* ip_of(const Packet& message) { return message.data - sizeof(UdpHeader) - message.l4_offset; }
bool is_ipv6(const Packet& message) { return *ip_of(message) >> 4 == 6; }

}  // namespace

OuterHeader::OuterHeader(const Ends& ends) : is_ipv6_(std::holds_alternative<Ipv6Address>(ends.destination.address)) {
  if (is_ipv6_) {
    auto& header = header_in<OuterIpv6>(bytes_);
    fill_ends(header.ethernet, header.udp, ends, EtherType::kIpv6);
    header.ip.next_header = kUdp;
    header.ip.hop_limit = 64;
    header.ip.source = std::get<Ipv6Address>(ends.source);
    header.ip.destination = std::get<Ipv6Address>(ends.destination.address);
    constant_sum_ =
        fold(sum_bytes(header.ip.source.bytes.data(), 16) + sum_bytes(header.ip.destination.bytes.data(), 16) + kUdp +
             ends.source_port + ends.destination.port);
  } else {
    auto& header = header_in<OuterIpv4>(bytes_);
    fill_ends(header.ethernet, header.udp, ends, EtherType::kIpv4);
    header.ip.version_ihl = 0x45;
    header.ip.ttl = 64;
    header.ip.protocol = kUdp;
    header.ip.source = std::get<Ipv4Address>(ends.source).value;
    header.ip.destination = std::get<Ipv4Address>(ends.destination.address).value;
    header.ip.checksum = ipv4_header_checksum(header.ip);
  }
}

void OuterHeader::put_on(Packet& packet, std::uint16_t identification) const {
  if (is_ipv6_) {
    put_ipv6(packet);
  } else {
    put_ipv4(packet, identification);
  }
}

void OuterHeader::put_ipv4(Packet& packet, std::uint16_t identification) const {
  const auto udp_length = static_cast<std::uint16_t>(packet.length + sizeof(UdpHeader));
  const auto total = static_cast<std::uint16_t>(udp_length + sizeof(Ipv4Header));
  packet.push(sizeof(OuterIpv4));
  std::memcpy(packet.data, bytes_.data(), sizeof(OuterIpv4));
  auto& header = *packet.header<OuterIpv4>();
  header.ip.total_length = total;
  header.ip.identification = identification;
  header.ip.tos = packet.outer_ecn;
  header.ip.checksum =
      update_checksum(header.ip.checksum, fold(std::uint32_t{total} + identification + packet.outer_ecn));
  header.udp.length = udp_length;
}

void OuterHeader::put_ipv6(Packet& packet) const {
  const auto udp_length = static_cast<std::uint16_t>(packet.length + sizeof(UdpHeader));
  // The UDP length counts twice: in the pseudo header and in the header (RFC 8200 section 8.1).
  const std::uint64_t sum = constant_sum_ + 2U * udp_length + sum_bytes(packet.data, packet.length);
  const auto checksum = static_cast<std::uint16_t>(~fold(sum));
  packet.push(sizeof(OuterIpv6));
  std::memcpy(packet.data, bytes_.data(), sizeof(OuterIpv6));
  auto& header = *packet.header<OuterIpv6>();
  header.ip.version_class_flow = 6U << 28 | std::uint32_t{packet.outer_ecn} << kIpv6EcnShift;
  header.ip.payload_length = udp_length;
  header.udp.length = udp_length;
  header.udp.checksum = checksum == 0 ? std::uint16_t{0xffff} : checksum;
}

bool OuterHeader::leads_back_to(const Packet& message) const {
  const std::uint8_t* ip = ip_of(message);
  if (is_ipv6(message) != is_ipv6_) return false;
  if (is_ipv6_) {
    const auto& header = header_in<OuterIpv6>(bytes_);
    return reinterpret_cast<const Ipv6Header*>(ip)->source == header.ip.destination &&
           udp_of(message).source_port == header.udp.destination_port;
  }
  const auto& header = header_in<OuterIpv4>(bytes_);
  return reinterpret_cast<const Ipv4Header*>(ip)->source == header.ip.destination &&
         udp_of(message).source_port == header.udp.destination_port;
}

Endpoint outer_source(const Packet& message) {
  const std::uint8_t* ip = ip_of(message);
  const std::uint16_t port = udp_of(message).source_port;
  if (is_ipv6(message)) return {reinterpret_cast<const Ipv6Header*>(ip)->source, port};
  return {Ipv4Address{reinterpret_cast<const Ipv4Header*>(ip)->source}, port};
}

std::uint16_t outer_destination_port(const Packet& message) { return udp_of(message).destination_port; }

OuterHeader way_back(const Packet& message) {
  const std::uint8_t* ip = ip_of(message);
  const auto& ethernet = *reinterpret_cast<const EthernetHeader*>(ip - sizeof(EthernetHeader));
  IpAddress own;
  if (is_ipv6(message)) {
    own = reinterpret_cast<const Ipv6Header*>(ip)->destination;
  } else {
    own = Ipv4Address{reinterpret_cast<const Ipv4Header*>(ip)->destination};
  }
  return OuterHeader({.source_mac = ethernet.destination,
                      .next_hop_mac = ethernet.source,
                      .source = own,
                      .source_port = outer_destination_port(message),
                      .destination = outer_source(message)});
}

}  // namespace isthmus::pipeline
