#pragma once
// A peer's endpoint that names a host instead of an address: "gw.example.org:51820". Somebody else looks the name up.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace isthmus::config {

struct EndpointName {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const EndpointName&) const = default;
};

// RFC 1123 section 2.1: labels of letters, digits and hyphens, 63 long at most, 253 in all; a dot at the end is allowed
// (no search list is tried then). What getaddrinfo would read as an address is no name: its last label is a number.
bool is_host_name(std::string_view text);
// Nothing but digits and dots, or ended by a number: somebody meant an address.
bool looks_like_address(std::string_view text);

std::optional<EndpointName> parse_endpoint_name(std::string_view text);
std::string to_string(const EndpointName& name);

}  // namespace isthmus::config
