#pragma once
// NAT the slow way: addresses bit by bit, every checksum recomputed from scratch. Shares no code with nat/.

#include "nat/prefix_map.h"
#include "test/support/packet_builder.h"

namespace isthmus::test {

// The first `length` bits of `network`, the other bits of `address`.
inline std::uint32_t slow_translate(std::uint32_t address, std::uint32_t network, unsigned length) {
  std::uint32_t result = 0;
  for (unsigned bit = 0; bit < 32; ++bit) {
    const std::uint32_t from = bit < length ? network : address;
    result |= from & (std::uint32_t{1} << (31 - bit));
  }
  return result;
}

inline std::uint32_t slow_word(const Bytes& bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 | std::uint32_t{bytes[at + 2]} << 8 |
         bytes[at + 3];
}
inline void put_slow_word(Bytes& bytes, std::size_t at, std::uint32_t word) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(word >> (24 - 8 * i));
}
inline void put_slow_half(Bytes& bytes, std::size_t at, std::uint16_t half) {
  bytes[at] = static_cast<std::uint8_t>(half >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(half & 0xff);
}

// IP header checksum, and TCP's, UDP's or ICMP's of a packet that is whole.
inline void recompute_checksums(Bytes& packet) {
  const std::size_t header = (packet[0] & 0x0fU) * 4U;
  put_slow_half(packet, 10, 0);
  put_slow_half(packet, 10, slow_checksum(std::span(packet).first(header)));
  const bool fragment = ((packet[6] & 0x3f) | packet[7]) != 0;
  if (fragment) return;
  const auto recompute = [&](std::size_t at, bool pseudo) {
    put_slow_half(packet, header + at, 0);
    const std::span<const std::uint8_t> l4 = std::span(packet).subspan(header);
    const std::uint16_t checksum = pseudo ? slow_l4_checksum(packet, l4) : slow_checksum(l4);
    put_slow_half(packet, header + at, packet[9] == 17 && checksum == 0 ? 0xffff : checksum);
  };
  if (packet[9] == 1) recompute(2, false);
  if (packet[9] == 6) recompute(16, true);
  if (packet[9] == 17 && (packet[header + 6] | packet[header + 7]) != 0) recompute(6, true);
}

// What the other side gets: source as it is seen there, destination as it is.
inline Bytes slow_nat(Bytes packet, const nat::PrefixMap& source_map, const nat::PrefixMap& destination_map) {
  put_slow_word(packet, 12,
                slow_translate(slow_word(packet, 12), source_map.seen_as.network.value, source_map.real.length));
  put_slow_word(packet, 16,
                slow_translate(slow_word(packet, 16), destination_map.real.network.value, destination_map.real.length));
  recompute_checksums(packet);
  return packet;
}

// The quoted packet of an ICMP error that takes the same walk: it went the other way.
inline Bytes slow_quote(Bytes packet, const nat::PrefixMap& source_map, const nat::PrefixMap& destination_map) {
  put_slow_word(packet, 12,
                slow_translate(slow_word(packet, 12), destination_map.real.network.value, destination_map.real.length));
  put_slow_word(packet, 16,
                slow_translate(slow_word(packet, 16), source_map.seen_as.network.value, source_map.real.length));
  recompute_checksums(packet);
  return packet;
}

}  // namespace isthmus::test
