#pragma once
// Addresses and prefixes as values. Text is parsed once, here; nobody downstream handles a string.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace isthmus {

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};
  auto operator<=>(const MacAddress&) const = default;
};

struct Ipv4Address {
  std::uint32_t value = 0;  // host order: 10.0.0.1 is 0x0a000001
  auto operator<=>(const Ipv4Address&) const = default;
};

struct Ipv6Address {
  std::array<std::uint8_t, 16> bytes{};  // as on the wire
  auto operator<=>(const Ipv6Address&) const = default;
};

using IpAddress = std::variant<Ipv4Address, Ipv6Address>;

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;  // host order
  auto operator<=>(const Endpoint&) const = default;
};

// The set of addresses whose first `length` bits are those of `network`. Host bits of `network` are zero; parse_* and
// make_prefix keep it so.
struct Ipv4Prefix {
  Ipv4Address network;
  std::uint8_t length = 0;  // 0 to 32

  constexpr std::uint32_t mask() const { return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length); }
  constexpr bool contains(Ipv4Address address) const { return (address.value & mask()) == network.value; }
  constexpr bool overlaps(Ipv4Prefix other) const {
    return length <= other.length ? contains(other.network) : other.contains(network);
  }
  auto operator<=>(const Ipv4Prefix&) const = default;
};

struct Ipv6Prefix {
  Ipv6Address network;
  std::uint8_t length = 0;  // 0 to 128
  auto operator<=>(const Ipv6Prefix&) const = default;
};

// An address together with the length of the network it lives in, as `ip address add` takes it: 192.0.2.1/24.
struct InterfaceAddress {
  IpAddress address;
  std::uint8_t length = 0;
  auto operator<=>(const InterfaceAddress&) const = default;
};

std::optional<Ipv4Address> parse_ipv4(std::string_view text);
std::optional<Ipv6Address> parse_ipv6(std::string_view text);
std::optional<IpAddress> parse_ip(std::string_view text);
std::optional<MacAddress> parse_mac(std::string_view text);
std::optional<Endpoint> parse_endpoint(std::string_view text);  // "192.0.2.1:51820" or "[2001:db8::1]:51820"

// Why a prefix could not be read, so that the caller can say what to write instead.
enum class PrefixError : std::uint8_t { kSyntax, kLength, kHostBits };
std::variant<Ipv4Prefix, PrefixError> parse_ipv4_prefix(std::string_view text);
std::variant<Ipv6Prefix, PrefixError> parse_ipv6_prefix(std::string_view text);
std::optional<InterfaceAddress> parse_interface_address(std::string_view text);

// The prefix of that length that contains the address: host bits are cleared.
Ipv4Prefix make_prefix(Ipv4Address address, std::uint8_t length);

std::string to_string(Ipv4Address address);
std::string to_string(const Ipv6Address& address);
std::string to_string(const IpAddress& address);
std::string to_string(const MacAddress& address);
std::string to_string(const Endpoint& endpoint);
std::string to_string(const Ipv4Prefix& prefix);
std::string to_string(const InterfaceAddress& address);

}  // namespace isthmus
