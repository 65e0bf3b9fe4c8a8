#pragma once
// The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
//
// A `Sum` is a one's complement sum of 16-bit words in *host* order of big-endian words, not yet complemented.

#include <cstddef>
#include <cstdint>

#include "dataplane/packet/address.h"
#include "dataplane/packet/headers.h"

namespace isthmus {

// Folds carries until 16 bits are left.
constexpr std::uint16_t fold(std::uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// Sum of `length` bytes; an odd last byte is padded with zero on the right (RFC 1071 section 2).
std::uint64_t sum_bytes(const std::uint8_t* data, std::size_t length);

constexpr std::uint32_t sum_address(Ipv4Address address) { return (address.value >> 16) + (address.value & 0xffff); }

// Sum of the pseudo header of TCP and UDP over IPv4 (RFC 9293 section 3.1).
constexpr std::uint32_t sum_pseudo_header(Ipv4Address source, Ipv4Address destination, std::uint8_t protocol,
                                          std::uint16_t l4_length) {
  return sum_address(source) + sum_address(destination) + protocol + l4_length;
}

// What has to be added to a one's complement sum when `from` becomes `to` (both 32 bits wide): -from + to.
constexpr std::uint16_t checksum_delta(std::uint32_t from, std::uint32_t to) {
  return fold(std::uint64_t{0xffffU - fold((from >> 16) + (from & 0xffff))} + (to >> 16) + (to & 0xffff));
}

// RFC 1624 equation 3: HC' = ~(~HC + ~m + m'), with ~m + m' = delta.
constexpr std::uint16_t update_checksum(std::uint16_t checksum, std::uint16_t delta) {
  return static_cast<std::uint16_t>(~fold(std::uint32_t{static_cast<std::uint16_t>(~checksum)} + delta));
}

// The same for UDP over IPv4: zero means "no checksum" and stays, a computed zero is sent as 0xffff (RFC 768).
constexpr std::uint16_t update_udp_checksum(std::uint16_t checksum, std::uint16_t delta) {
  if (checksum == 0) return 0;
  const std::uint16_t updated = update_checksum(checksum, delta);
  return updated == 0 ? std::uint16_t{0xffff} : updated;
}

// The header's checksum as it should be; its checksum field does not take part.
std::uint16_t ipv4_header_checksum(const Ipv4Header& header);

}  // namespace isthmus
