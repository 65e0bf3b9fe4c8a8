#include "dataplane/pipeline/resolve_next_hop.h"

#include "dataplane/packet/headers.h"

namespace isthmus::pipeline {

void resolve_next_hop(const NextHops& cluster, PacketBurst& burst) {
  burst.each([&](Packet& packet) {
    const std::optional<Ipv4Address> next_hop = cluster.next_hop({packet.header<Ipv4Header>()->destination});
    if (!next_hop) {
      packet.drop = DropReason::kNoRouteToPod;
      return;
    }
    packet.next_hop = next_hop->value;
    const MacAddress* mac = cluster.mac(*next_hop);
    if (mac == nullptr) {
      packet.punt = Punt::kAwaitNeighbour;
      return;
    }
    packet.push(sizeof(EthernetHeader));
    auto& ethernet = *packet.header<EthernetHeader>();
    ethernet.destination = *mac;
    ethernet.source = cluster.own_mac();
    ethernet.ether_type = static_cast<std::uint16_t>(EtherType::kIpv4);
  });
}

}  // namespace isthmus::pipeline
