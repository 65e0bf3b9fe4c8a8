#include "dataplane/pipeline/flow_lane.h"

#include <bit>
#include <cstring>

#include "dataplane/packet/headers.h"

namespace isthmus::pipeline {
namespace {

// The finalizer of MurmurHash3: every bit of the input reaches every bit of the output.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdU;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53U;
  return value ^ (value >> 33);
}

bool has_ports(const Packet& packet) {
  const bool known = packet.protocol == static_cast<std::uint8_t>(IpProtocol::kTcp) ||
                     packet.protocol == static_cast<std::uint8_t>(IpProtocol::kUdp);
  return known && packet.has_l4 && !packet.is_fragment;
}

}  // namespace

std::uint32_t flow_hash(const Packet& packet) {
  const auto& ip = *packet.header<Ipv4Header>();
  std::uint32_t ports = 0;  // both, as they lie in the packet
  if (has_ports(packet)) std::memcpy(&ports, packet.data + packet.l4_offset, sizeof(ports));
  const std::uint64_t addresses = (std::uint64_t{ip.source} << 32) | ip.destination;
  const std::uint64_t rest = (std::uint64_t{ports} << 8) | packet.protocol;
  return static_cast<std::uint32_t>(mix(mix(addresses) ^ rest));
}

std::uint32_t lane_of_flow(std::uint32_t hash, std::uint32_t lanes, std::uint64_t usable) {
  const std::uint32_t own = hash % lanes;
  usable &= ~std::uint64_t{0} >> (kMaxLanes - lanes);
  if (usable == 0 || ((usable >> own) & 1) != 0) return own;
  for (std::uint32_t skip = hash / lanes % static_cast<std::uint32_t>(std::popcount(usable)); skip != 0; --skip) {
    usable &= usable - 1;
  }
  return static_cast<std::uint32_t>(std::countr_zero(usable));
}

}  // namespace isthmus::pipeline
