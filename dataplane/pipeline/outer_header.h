#pragma once
// What stands in front of every tunnel message to one peer, built once when its endpoint or next hop changes.

#include <cstdint>
#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/packet.h"

namespace isthmus::pipeline {

// Immutable once published. IPv4 underlay.
struct OuterHeader {
  EthernetHeader ethernet;
  Ipv4Header ip;  // total_length and identification zero; checksum of the rest
  UdpHeader udp;  // length zero; checksum zero, as RFC 768 allows over IPv4: the AEAD tag is the better check

  struct Ends {
    MacAddress source_mac;
    MacAddress next_hop_mac;
    Ipv4Address source;
    std::uint16_t source_port = 0;
    Ipv4Address destination;
    std::uint16_t destination_port = 0;
  };
  static OuterHeader make(const Ends& ends);

  // Puts the header in front of `packet`, a tunnel message. `identification` need only differ among packets that are
  // under way at one time: a router may still cut them, DF is not set (as the kernel's WireGuard leaves it).
  void put_on(Packet& packet, std::uint16_t identification) const {
    const auto message_length = static_cast<std::uint16_t>(packet.length);
    packet.push(sizeof(OuterHeader));
    auto* header = packet.header<OuterHeader>();
    std::memcpy(static_cast<void*>(header), this, sizeof(OuterHeader));
    const auto total = static_cast<std::uint16_t>(message_length + sizeof(Ipv4Header) + sizeof(UdpHeader));
    header->ip.total_length = total;
    header->ip.identification = identification;
    header->ip.checksum = update_checksum(ip.checksum, fold(std::uint32_t{total} + identification));
    header->udp.length = static_cast<std::uint16_t>(message_length + sizeof(UdpHeader));
  }
};
static_assert(sizeof(OuterHeader) == 42);

}  // namespace isthmus::pipeline
