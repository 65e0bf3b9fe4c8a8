#pragma once
// The headers that the gateway reads and writes, as they lie on the wire.

#include <cstdint>

#include "dataplane/packet/address.h"
#include "dataplane/packet/byte_order.h"

namespace isthmus {

enum class EtherType : std::uint16_t { kIpv4 = 0x0800, kArp = 0x0806, kIpv6 = 0x86dd };

enum class IpProtocol : std::uint8_t { kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58 };

struct EthernetHeader {
  MacAddress destination;
  MacAddress source;
  Big16 ether_type;
};
static_assert(sizeof(EthernetHeader) == 14);

// RFC 826, for Ethernet and IPv4.
struct ArpPacket {
  Big16 hardware_type;
  Big16 protocol_type;
  std::uint8_t hardware_length;
  std::uint8_t protocol_length;
  Big16 operation;  // 1 request, 2 reply
  MacAddress sender_mac;
  Big32 sender_ip;
  MacAddress target_mac;
  Big32 target_ip;
};
static_assert(sizeof(ArpPacket) == 28);

// RFC 791 section 3.1
struct Ipv4Header {
  std::uint8_t version_ihl;
  std::uint8_t tos;
  Big16 total_length;
  Big16 identification;
  Big16 fragment;  // 0x4000 don't fragment, 0x2000 more fragments, low 13 bits offset in units of 8 bytes
  std::uint8_t ttl;
  std::uint8_t protocol;
  Big16 checksum;
  Big32 source;
  Big32 destination;

  static constexpr std::uint16_t kDontFragment = 0x4000;
  static constexpr std::uint16_t kMoreFragments = 0x2000;
  static constexpr std::uint16_t kOffsetMask = 0x1fff;

  unsigned version() const { return version_ihl >> 4; }
  unsigned header_length() const { return (version_ihl & 0x0fU) * 4U; }
};
static_assert(sizeof(Ipv4Header) == 20);

// RFC 8200 section 3
struct Ipv6Header {
  Big32 version_class_flow;
  Big16 payload_length;
  std::uint8_t next_header;
  std::uint8_t hop_limit;
  Ipv6Address source;
  Ipv6Address destination;
};
static_assert(sizeof(Ipv6Header) == 40);

struct UdpHeader {
  Big16 source_port;
  Big16 destination_port;
  Big16 length;
  Big16 checksum;
};
static_assert(sizeof(UdpHeader) == 8);

// RFC 9293 section 3.1
struct TcpHeader {
  Big16 source_port;
  Big16 destination_port;
  Big32 sequence;
  Big32 acknowledgement;
  std::uint8_t data_offset;  // high four bits, in units of 4 bytes
  std::uint8_t flags;
  Big16 window;
  Big16 checksum;
  Big16 urgent;

  static constexpr std::uint8_t kFin = 0x01;
  static constexpr std::uint8_t kSyn = 0x02;
  static constexpr std::uint8_t kRst = 0x04;
};
static_assert(sizeof(TcpHeader) == 20);

// RFC 792. `rest` is identifier and sequence of an echo, the next hop's MTU (low 16 bits) of "fragmentation needed".
struct IcmpHeader {
  std::uint8_t type;
  std::uint8_t code;
  Big16 checksum;
  Big32 rest;

  static constexpr std::uint8_t kEchoReply = 0;
  static constexpr std::uint8_t kUnreachable = 3;
  static constexpr std::uint8_t kSourceQuench = 4;
  static constexpr std::uint8_t kRedirect = 5;
  static constexpr std::uint8_t kEchoRequest = 8;
  static constexpr std::uint8_t kTimeExceeded = 11;
  static constexpr std::uint8_t kParameterProblem = 12;
  static constexpr std::uint8_t kCodeFragmentationNeeded = 4;

  // Errors quote the packet they are about.
  static constexpr bool is_error(std::uint8_t type) {
    return type == kUnreachable || type == kSourceQuench || type == kRedirect || type == kTimeExceeded ||
           type == kParameterProblem;
  }
};
static_assert(sizeof(IcmpHeader) == 8);

}  // namespace isthmus
