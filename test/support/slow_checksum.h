#pragma once
// The Internet checksum one byte at a time, straight from RFC 1071's definition: the twin that the fast one is compared
// with, and what PacketBuilder fills in. Shares no code with dataplane/packet/checksum.

#include <cstdint>
#include <span>
#include <vector>

namespace isthmus::test {

// ~(one's complement sum of all 16-bit words).
inline std::uint16_t slow_checksum(std::span<const std::uint8_t> bytes) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
    if (sum > 0xffff) sum = sum - 0x10000 + 1;
  }
  return static_cast<std::uint16_t>(0xffff - sum);
}

// Checksum of TCP or UDP over IPv4; `ip` is a header of 20 bytes or more, `l4` the whole datagram.
inline std::uint16_t slow_l4_checksum(std::span<const std::uint8_t> ip, std::span<const std::uint8_t> l4) {
  std::vector<std::uint8_t> pseudo(ip.begin() + 12, ip.begin() + 20);
  pseudo.push_back(0);
  pseudo.push_back(ip[9]);
  pseudo.push_back(static_cast<std::uint8_t>(l4.size() >> 8));
  pseudo.push_back(static_cast<std::uint8_t>(l4.size() & 0xff));
  pseudo.insert(pseudo.end(), l4.begin(), l4.end());
  return slow_checksum(pseudo);
}

}  // namespace isthmus::test
