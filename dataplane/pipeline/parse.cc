#include "dataplane/packet/parse.h"

#include "dataplane/packet/headers.h"
#include "dataplane/pipeline/parse.h"

namespace isthmus::pipeline {
namespace {

// Broadcast or multicast: the lowest bit of the first byte (IEEE 802).
bool is_group(const MacAddress& mac) { return (mac.bytes[0] & 1) != 0; }

// Group frames are neighbour messages or none of our business; without a kernel parse_ethernet tells which.
bool is_ours(const NextHops& port, bool kernel_owned, const EthernetHeader& frame) {
  if (kernel_owned) {
    return frame.destination == port.own_mac() && frame.ether_type == static_cast<std::uint16_t>(EtherType::kIpv4);
  }
  return frame.destination == port.own_mac() || is_group(frame.destination);
}

}  // namespace

bool parse_frame_for_us(const NextHops& port, bool kernel_owned, Packet& packet) {
  if (packet.length >= sizeof(EthernetHeader) && !is_ours(port, kernel_owned, *packet.header<EthernetHeader>())) {
    packet.punt = Punt::kNotOurs;
    return false;
  }
  return parse_ethernet(packet);
}

void parse(const NextHops& port, bool kernel_owned, PacketBurst& burst) {
  burst.each([&](Packet& packet) {
    if (!parse_frame_for_us(port, kernel_owned, packet) || !parse_ipv4(packet)) return;
    if (port.is_own(Ipv4Address{packet.header<Ipv4Header>()->destination})) {
      packet.punt = Punt::kNotOurs;
    } else if (kernel_owned) {
      finish_l4_checksum(packet);
    }
  });
}

}  // namespace isthmus::pipeline
