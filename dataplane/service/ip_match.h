#pragma once
// Which network an address lies in, for both families: routes and neighbours of the service thread.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <variant>

#include "dataplane/packet/address.h"

namespace isthmus::service {

// How many leading bits two addresses share; nothing when they are of different families.
inline std::optional<unsigned> common_bits(const IpAddress& left, const IpAddress& right) {
  if (left.index() != right.index()) return std::nullopt;
  if (const auto* v4 = std::get_if<Ipv4Address>(&left)) {
    return static_cast<unsigned>(std::countl_zero(v4->value ^ std::get<Ipv4Address>(right).value));
  }
  const auto& a = std::get<Ipv6Address>(left).bytes;
  const auto& b = std::get<Ipv6Address>(right).bytes;
  const auto differs = std::mismatch(a.begin(), a.end(), b.begin());
  if (differs.first == a.end()) return 128;
  const auto difference = static_cast<std::uint8_t>(*differs.first ^ *differs.second);
  return static_cast<unsigned>((differs.first - a.begin()) * 8 + std::countl_zero(difference));
}

// Whether the first `length` bits of `address` are those of `network`. Never across families.
inline bool within(const IpAddress& address, const IpAddress& network, unsigned length) {
  const auto bits = common_bits(address, network);
  return bits && *bits >= length;
}

inline bool is_unset(const IpAddress& address) {
  return address == IpAddress{Ipv4Address{}} || address == IpAddress{Ipv6Address{}};
}

// RFC 4291 section 2.5.6: fe80::/10 is on every link.
inline bool is_link_local(const IpAddress& address) {
  const auto* v6 = std::get_if<Ipv6Address>(&address);
  return v6 != nullptr && v6->bytes[0] == 0xfe && (v6->bytes[1] & 0xc0) == 0x80;
}

}  // namespace isthmus::service
