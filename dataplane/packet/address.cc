#include "dataplane/packet/address.h"

#include <arpa/inet.h>

#include <cassert>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "dataplane/packet/byte_order.h"

namespace isthmus {

namespace {

// inet_pton wants a terminated string. Text that no address can be (too long, a zero byte inside) gives false.
bool parse_with(int family, std::string_view text, void* result) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return false;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  return inet_pton(family, terminated, result) == 1;
}

// Digits only, no sign, no leading zero.
std::optional<unsigned> parse_number(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Divided {
  std::string_view address;
  unsigned length;
};

std::optional<Divided> divide_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto length = parse_number(text.substr(slash + 1));
  if (!length) return std::nullopt;
  return Divided{text.substr(0, slash), *length};
}

Ipv6Address clear_host_bits(Ipv6Address address, unsigned length) {
  for (unsigned byte = 0; byte < address.bytes.size(); ++byte) {
    const unsigned kept = length <= byte * 8 ? 0 : length - byte * 8;
    if (kept < 8) address.bytes[byte] &= static_cast<std::uint8_t>(0xff00U >> kept);
  }
  return address;
}

}  // namespace

std::optional<Ipv4Address> parse_ipv4(std::string_view text) {
  Big32 wire;
  if (!parse_with(AF_INET, text, &wire)) return std::nullopt;
  return Ipv4Address{wire};
}

std::optional<Ipv6Address> parse_ipv6(std::string_view text) {
  Ipv6Address address;
  if (!parse_with(AF_INET6, text, address.bytes.data())) return std::nullopt;
  return address;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (const auto address = parse_ipv4(text)) return *address;
  if (const auto address = parse_ipv6(text)) return *address;
  return std::nullopt;
}

std::optional<MacAddress> parse_mac(std::string_view text) {
  MacAddress mac;
  if (text.size() != 17) return std::nullopt;
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    const char* digits = text.data() + 3 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, mac.bytes[i], 16);
    if (error != std::errc{} || end != digits + 2) return std::nullopt;
    if (i + 1 < mac.bytes.size() && digits[2] != ':') return std::nullopt;
  }
  return mac;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_number(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 0xffff) return std::nullopt;

  std::string_view host = text.substr(0, colon);
  std::optional<IpAddress> address;
  if (host.starts_with('[') && host.ends_with(']')) {
    address = parse_ipv6(host.substr(1, host.size() - 2));
  } else {
    address = parse_ipv4(host);
  }
  if (!address) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::variant<Ipv4Prefix, PrefixError> parse_ipv4_prefix(std::string_view text) {
  const auto divided = divide_prefix(text);
  const auto address = divided ? parse_ipv4(divided->address) : std::nullopt;
  if (!address) return PrefixError::kSyntax;
  if (divided->length > 32) return PrefixError::kLength;
  const Ipv4Prefix prefix = make_prefix(*address, static_cast<std::uint8_t>(divided->length));
  if (prefix.network != *address) return PrefixError::kHostBits;
  return prefix;
}

std::variant<Ipv6Prefix, PrefixError> parse_ipv6_prefix(std::string_view text) {
  const auto divided = divide_prefix(text);
  const auto address = divided ? parse_ipv6(divided->address) : std::nullopt;
  if (!address) return PrefixError::kSyntax;
  if (divided->length > 128) return PrefixError::kLength;
  if (clear_host_bits(*address, divided->length) != *address) return PrefixError::kHostBits;
  return Ipv6Prefix{*address, static_cast<std::uint8_t>(divided->length)};
}

std::optional<InterfaceAddress> parse_interface_address(std::string_view text) {
  const auto divided = divide_prefix(text);
  const auto address = divided ? parse_ip(divided->address) : std::nullopt;
  if (!address) return std::nullopt;
  if (divided->length > (std::holds_alternative<Ipv4Address>(*address) ? 32U : 128U)) return std::nullopt;
  return InterfaceAddress{*address, static_cast<std::uint8_t>(divided->length)};
}

Ipv4Prefix make_prefix(Ipv4Address address, std::uint8_t length) {
  assert(length <= 32);
  Ipv4Prefix prefix{address, length};
  prefix.network.value &= prefix.mask();
  return prefix;
}

std::string to_string(Ipv4Address address) {
  const Big32 wire = address.value;
  char text[INET_ADDRSTRLEN];
  return inet_ntop(AF_INET, &wire, text, sizeof text);
}

std::string to_string(const Ipv6Address& address) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, address.bytes.data(), text, sizeof text);
}

std::string to_string(const IpAddress& address) {
  return std::visit([](const auto& known) { return to_string(known); }, address);
}

std::string to_string(const MacAddress& address) {
  const auto& b = address.bytes;
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
  return text;
}

std::string to_string(const Endpoint& endpoint) {
  const std::string address = to_string(endpoint.address);
  const std::string port = std::to_string(endpoint.port);
  if (std::holds_alternative<Ipv4Address>(endpoint.address)) return address + ":" + port;
  return "[" + address + "]:" + port;
}

std::string to_string(const Ipv4Prefix& prefix) {
  return to_string(prefix.network) + "/" + std::to_string(prefix.length);
}

std::string to_string(const InterfaceAddress& address) {
  return to_string(address.address) + "/" + std::to_string(address.length);
}

}  // namespace isthmus
