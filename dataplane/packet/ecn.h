#pragma once
// Explicit Congestion Notification (RFC 3168) at the ends of a tunnel (RFC 6040).

#include <cstdint>
#include <optional>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/headers.h"

namespace isthmus {

// RFC 3168 section 5: the low two bits of IPv4's TOS and of IPv6's traffic class.
enum class Ecn : std::uint8_t { kNotCapable = 0, kCapable1 = 1, kCapable0 = 2, kCongested = 3 };

inline constexpr std::uint8_t kEcnMask = 0x03;
inline constexpr unsigned kIpv6EcnShift = 20;  // in the word of version, class and flow

constexpr Ecn ecn_of(const Ipv4Header& ip) { return Ecn{static_cast<std::uint8_t>(ip.tos & kEcnMask)}; }
constexpr Ecn ecn_of(const Ipv6Header& ip) {
  return Ecn{static_cast<std::uint8_t>(std::uint32_t{ip.version_class_flow} >> kIpv6EcnShift & kEcnMask)};
}

// What a packet has when it leaves the tunnel (RFC 6040 figure 4); nothing: it must be dropped, because its ends take
// the loss of a packet for the only sign of congestion. Where both say something, the graver word wins, and ECT(1) is
// graver than ECT(0).
constexpr std::optional<Ecn> ecn_behind_tunnel(Ecn inner, Ecn outer) {
  if (inner == Ecn::kNotCapable) return outer == Ecn::kCongested ? std::nullopt : std::optional(inner);
  if (outer == Ecn::kCongested) return outer;
  return inner == Ecn::kCapable0 && outer == Ecn::kCapable1 ? outer : inner;
}

// The header's checksum follows by RFC 1624; no other checksum covers these bits.
inline void set_ecn(Ipv4Header& ip, Ecn ecn) {
  const auto tos = static_cast<std::uint8_t>((ip.tos & ~kEcnMask) | static_cast<std::uint8_t>(ecn));
  ip.checksum = update_checksum(ip.checksum, checksum_delta(ip.tos, tos));
  ip.tos = tos;
}

}  // namespace isthmus
