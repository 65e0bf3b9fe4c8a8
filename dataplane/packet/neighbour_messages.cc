#include "dataplane/packet/neighbour_messages.h"

#include <cassert>
#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/headers.h"

namespace isthmus {

namespace {

constexpr MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
constexpr std::size_t kMinFrame = 60;  // without the frame check sequence (IEEE 802.3)

constexpr std::uint16_t kArpEthernet = 1;
constexpr std::uint16_t kArpRequest = 1;
constexpr std::uint16_t kArpReply = 2;

// RFC 4861 sections 4.3, 4.4 and 4.6.1: a solicitation or advertisement, and its link-layer address option.
struct DiscoveryMessage {
  std::uint8_t type;
  std::uint8_t code;
  Big16 checksum;
  Big32 flags;
  Ipv6Address target;
};
static_assert(sizeof(DiscoveryMessage) == 24);

struct LinkAddressOption {
  std::uint8_t type;
  std::uint8_t length;  // in units of 8 bytes
  MacAddress mac;
};
static_assert(sizeof(LinkAddressOption) == 8);

constexpr std::uint8_t kSolicitation = 135;
constexpr std::uint8_t kAdvertisement = 136;
constexpr std::uint8_t kSourceLinkAddress = 1;
constexpr std::uint8_t kTargetLinkAddress = 2;
constexpr std::uint32_t kSolicited = 0x40000000;
constexpr std::uint32_t kOverride = 0x20000000;
constexpr std::uint8_t kHopLimit = 255;  // no router has forwarded it (RFC 4861 section 7.1)

constexpr std::size_t kDiscoveryOffset = sizeof(EthernetHeader) + sizeof(Ipv6Header);

bool is_multicast(const MacAddress& mac) { return mac.bytes[0] & 1; }
bool is_multicast(const Ipv6Address& address) { return address.bytes[0] == 0xff; }
// Multicast or limited broadcast.
bool is_multicast(Ipv4Address address) { return address.value >> 28 == 0xe || address.value == ~std::uint32_t{0}; }

Ipv6Address solicited_node(const Ipv6Address& target) {
  Ipv6Address group{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};
  std::memcpy(&group.bytes[13], &target.bytes[13], 3);
  return group;
}

constexpr Ipv6Address kAllNodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

// RFC 2464 section 7
MacAddress multicast_mac(const Ipv6Address& group) {
  return {{0x33, 0x33, group.bytes[12], group.bytes[13], group.bytes[14], group.bytes[15]}};
}

std::uint16_t discovery_checksum(const Ipv6Header& ip, const std::uint8_t* message, std::size_t length) {
  const std::uint64_t addresses = sum_bytes(ip.source.bytes.data(), 16) + sum_bytes(ip.destination.bytes.data(), 16);
  return static_cast<std::uint16_t>(~fold(addresses + length + ip.next_header + sum_bytes(message, length)));
}

std::optional<NeighbourMessage> parse_arp(const Packet& frame) {
  if (frame.length < sizeof(EthernetHeader) + sizeof(ArpPacket)) return std::nullopt;
  const auto& arp = *frame.header<ArpPacket>(sizeof(EthernetHeader));
  if (arp.hardware_type != kArpEthernet || EtherType{std::uint16_t{arp.protocol_type}} != EtherType::kIpv4 ||
      arp.hardware_length != sizeof(MacAddress) || arp.protocol_length != sizeof(Big32)) {
    return std::nullopt;
  }
  const std::uint16_t operation = arp.operation;
  const Ipv4Address sender{arp.sender_ip};
  const bool is_request = operation == kArpRequest;
  const Ipv4Address target = is_request ? Ipv4Address{arp.target_ip} : sender;  // a reply tells about its sender
  if (operation != kArpRequest && operation != kArpReply) return std::nullopt;
  if (is_multicast(arp.sender_mac) || is_multicast(sender) || is_multicast(target)) return std::nullopt;
  return NeighbourMessage{is_request, sender, arp.sender_mac, true, target};
}

// False when an option is malformed. Options that we do not know are skipped (RFC 4861 section 4.6).
bool read_options(const std::uint8_t* options, std::size_t length, std::uint8_t wanted, NeighbourMessage& message) {
  while (length > 0) {
    const std::size_t size = length < 2 ? 0 : options[1] * std::size_t{8};
    if (size == 0 || size > length) return false;
    if (options[0] == wanted && size == sizeof(LinkAddressOption)) {
      message.sender_mac = reinterpret_cast<const LinkAddressOption*>(options)->mac;
      message.has_sender_mac = true;
    }
    options += size;
    length -= size;
  }
  return true;
}

std::optional<NeighbourMessage> parse_discovery(const Packet& frame) {
  if (frame.length < kDiscoveryOffset + sizeof(DiscoveryMessage)) return std::nullopt;
  const auto& ip = *frame.header<Ipv6Header>(sizeof(EthernetHeader));
  const auto& discovery = *frame.header<DiscoveryMessage>(kDiscoveryOffset);
  const std::size_t length = ip.payload_length;
  if (ip.version_class_flow >> 28 != 6 || IpProtocol{ip.next_header} != IpProtocol::kIcmpv6 ||
      ip.hop_limit != kHopLimit || length < sizeof(DiscoveryMessage) || length > frame.length - kDiscoveryOffset) {
    return std::nullopt;
  }
  const bool is_request = discovery.type == kSolicitation;
  if ((!is_request && discovery.type != kAdvertisement) || discovery.code != 0 ||
      discovery_checksum(ip, frame.data + kDiscoveryOffset, length) != 0 || is_multicast(discovery.target) ||
      is_multicast(ip.source)) {
    return std::nullopt;
  }
  NeighbourMessage message{is_request, ip.source, {}, false, discovery.target};
  const std::uint8_t* options = frame.data + kDiscoveryOffset + sizeof(DiscoveryMessage);
  if (!read_options(options, length - sizeof(DiscoveryMessage), is_request ? kSourceLinkAddress : kTargetLinkAddress,
                    message)) {
    return std::nullopt;
  }
  if (message.has_sender_mac && is_multicast(message.sender_mac)) return std::nullopt;
  // Who has no address yet must not be remembered under it (RFC 4861 section 7.1.1).
  if (message.has_sender_mac && ip.source == Ipv6Address{}) return std::nullopt;
  return message;
}

void write_arp(Packet& packet, std::uint16_t operation, const MacAddress& own_mac, Ipv4Address own,
               const MacAddress& frame_destination, const MacAddress& target_mac, Ipv4Address target) {
  assert(packet.length == 0);
  packet.resize(kMinFrame);
  std::memset(packet.data, 0, kMinFrame);
  *packet.header<EthernetHeader>() = {frame_destination, own_mac, static_cast<std::uint16_t>(EtherType::kArp)};
  *packet.header<ArpPacket>(sizeof(EthernetHeader)) = {.hardware_type = kArpEthernet,
                                                       .protocol_type = static_cast<std::uint16_t>(EtherType::kIpv4),
                                                       .hardware_length = sizeof(MacAddress),
                                                       .protocol_length = sizeof(Big32),
                                                       .operation = operation,
                                                       .sender_mac = own_mac,
                                                       .sender_ip = own.value,
                                                       .target_mac = target_mac,
                                                       .target_ip = target.value};
}

struct Discovery {
  std::uint8_t type;
  std::uint32_t flags;
  Ipv6Address target;
  std::uint8_t option;  // 0: none
};

void write_discovery(Packet& packet, const Discovery& what, const MacAddress& own_mac, const Ipv6Address& own,
                     const MacAddress& frame_destination, const Ipv6Address& destination) {
  assert(packet.length == 0);
  const std::size_t length = sizeof(DiscoveryMessage) + (what.option ? sizeof(LinkAddressOption) : 0);
  packet.resize(kDiscoveryOffset + length);
  *packet.header<EthernetHeader>() = {frame_destination, own_mac, static_cast<std::uint16_t>(EtherType::kIpv6)};
  auto& ip = *packet.header<Ipv6Header>(sizeof(EthernetHeader));
  ip = {.version_class_flow = 6U << 28,
        .payload_length = static_cast<std::uint16_t>(length),
        .next_header = static_cast<std::uint8_t>(IpProtocol::kIcmpv6),
        .hop_limit = kHopLimit,
        .source = own,
        .destination = destination};
  auto& message = *packet.header<DiscoveryMessage>(kDiscoveryOffset);
  message = {.type = what.type, .code = 0, .checksum = 0, .flags = what.flags, .target = what.target};
  if (what.option) {
    *packet.header<LinkAddressOption>(kDiscoveryOffset + sizeof(DiscoveryMessage)) = {what.option, 1, own_mac};
  }
  message.checksum = discovery_checksum(ip, packet.data + kDiscoveryOffset, length);
}

}  // namespace

std::optional<NeighbourMessage> parse_neighbour_message(const Packet& packet) {
  if (packet.length < sizeof(EthernetHeader)) return std::nullopt;
  switch (EtherType{std::uint16_t{packet.header<EthernetHeader>()->ether_type}}) {
    case EtherType::kArp:
      return parse_arp(packet);
    case EtherType::kIpv6:
      return parse_discovery(packet);
    default:
      return std::nullopt;
  }
}

void write_neighbour_request(Packet& packet, const MacAddress& own_mac, const IpAddress& own, const IpAddress& target) {
  assert(own.index() == target.index());
  if (const auto* target4 = std::get_if<Ipv4Address>(&target)) {
    write_arp(packet, kArpRequest, own_mac, std::get<Ipv4Address>(own), kBroadcast, {}, *target4);
    return;
  }
  const auto& own6 = std::get<Ipv6Address>(own);
  const auto& target6 = std::get<Ipv6Address>(target);
  const Ipv6Address group = solicited_node(target6);
  const std::uint8_t option = own6 == Ipv6Address{} ? std::uint8_t{0} : kSourceLinkAddress;
  write_discovery(packet, {kSolicitation, 0, target6, option}, own_mac, own6, multicast_mac(group), group);
}

void write_neighbour_reply(Packet& packet, const MacAddress& own_mac, const IpAddress& own, const MacAddress& asker_mac,
                           const IpAddress& asker) {
  assert(own.index() == asker.index());
  if (const auto* own4 = std::get_if<Ipv4Address>(&own)) {
    write_arp(packet, kArpReply, own_mac, *own4, asker_mac, asker_mac, std::get<Ipv4Address>(asker));
    return;
  }
  const auto& own6 = std::get<Ipv6Address>(own);
  const auto& asker6 = std::get<Ipv6Address>(asker);
  // Somebody who probes for a duplicate has no address to answer to: all nodes hear it (RFC 4861 section 7.2.4).
  if (asker6 == Ipv6Address{}) {
    write_discovery(packet, {kAdvertisement, kOverride, own6, kTargetLinkAddress}, own_mac, own6,
                    multicast_mac(kAllNodes), kAllNodes);
  } else {
    write_discovery(packet, {kAdvertisement, kSolicited | kOverride, own6, kTargetLinkAddress}, own_mac, own6,
                    asker_mac, asker6);
  }
}

}  // namespace isthmus
