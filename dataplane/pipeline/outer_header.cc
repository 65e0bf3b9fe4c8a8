#include "dataplane/pipeline/outer_header.h"

namespace isthmus::pipeline {

OuterHeader OuterHeader::make(const Ends& ends) {
  OuterHeader header{};
  header.ethernet.destination = ends.next_hop_mac;
  header.ethernet.source = ends.source_mac;
  header.ethernet.ether_type = static_cast<std::uint16_t>(EtherType::kIpv4);
  header.ip.version_ihl = 0x45;
  header.ip.ttl = 64;
  header.ip.protocol = static_cast<std::uint8_t>(IpProtocol::kUdp);
  header.ip.source = ends.source.value;
  header.ip.destination = ends.destination.value;
  header.ip.checksum = ipv4_header_checksum(header.ip);
  header.udp.source_port = ends.source_port;
  header.udp.destination_port = ends.destination_port;
  return header;
}

}  // namespace isthmus::pipeline
