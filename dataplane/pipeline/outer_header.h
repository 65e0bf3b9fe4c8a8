#pragma once
// What stands in front of every tunnel message to one peer, built once when its endpoint or next hop changes.

#include <array>
#include <cstdint>

#include "dataplane/packet/address.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/packet.h"

namespace isthmus::pipeline {

struct OuterIpv4 {
  EthernetHeader ethernet;
  Ipv4Header ip;  // TOS, total_length and identification zero; checksum of the rest
  UdpHeader udp;  // checksum zero, as RFC 768 allows over IPv4: the AEAD tag is the better check
};
static_assert(sizeof(OuterIpv4) == 42);

struct OuterIpv6 {
  EthernetHeader ethernet;
  Ipv6Header ip;  // version_class_flow and payload_length zero
  UdpHeader udp;  // checksum per message: RFC 8200 section 8.1 wants one
};
static_assert(sizeof(OuterIpv6) == 62);

// Immutable once published.
class OuterHeader {
 public:
  static constexpr std::size_t kMaxSize = sizeof(OuterIpv6);

  struct Ends {
    MacAddress source_mac;
    MacAddress next_hop_mac;
    IpAddress source;  // of the destination's family
    std::uint16_t source_port = 0;
    Endpoint destination;
  };
  explicit OuterHeader(const Ends& ends);

  void prefetch() const {
    __builtin_prefetch(bytes_.data());
    __builtin_prefetch(bytes_.data() + 64);
  }
  // Puts the header in front of `packet`, a tunnel message. `identification` need only differ among packets that are
  // under way at one time: a router may still cut them, DF is not set (as the kernel's WireGuard leaves it). DSCP is
  // zero (as there), ECN is packet.outer_ecn.
  void put_on(Packet& packet, std::uint16_t identification) const;
  // Whether a received message, whose outer headers still lie before `message.data` as decapsulate left them, came from
  // this header's destination.
  bool leads_back_to(const Packet& message) const;

 private:
  void put_ipv4(Packet& packet, std::uint16_t identification) const;
  void put_ipv6(Packet& packet) const;

  alignas(16) std::array<std::uint8_t, kMaxSize> bytes_{};
  bool is_ipv6_ = false;
  std::uint32_t constant_sum_ = 0;  // IPv6: addresses, protocol and ports, as the UDP checksum counts them
};

// Where a message that decapsulate has let pass came from. Holds until a later stage parses the inner packet: the outer
// headers still lie before `data`.
Endpoint outer_source(const Packet& message);
// The UDP port of ours that it was sent to.
std::uint16_t outer_destination_port(const Packet& message);
// What leads back there, through the machine that handed it to us.
OuterHeader way_back(const Packet& message);

}  // namespace isthmus::pipeline
