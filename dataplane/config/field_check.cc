#include "dataplane/config/field_check.h"

#include <algorithm>
#include <array>

#include "dataplane/config/address_plan.h"
#include "tunnel/tunnel.h"

namespace isthmus::config {
namespace {

struct SpecialRange {
  Ipv4Prefix prefix;
  const char* name;
};

// RFC 6890, as far as no pod can have such an address.
constexpr std::array<SpecialRange, 5> kSpecialRanges = {{
    {{{0x00000000}, 8}, "this network (0.0.0.0/8)"},
    {{{0x7f000000}, 8}, "loopback (127.0.0.0/8)"},
    {{{0xa9fe0000}, 16}, "link-local (169.254.0.0/16)"},
    {{{0xe0000000}, 4}, "multicast (224.0.0.0/4)"},
    {{{0xffffffff}, 32}, "broadcast (255.255.255.255)"},
}};

constexpr const char* kPrefixAdvice = "write address/length, such as 10.71.0.0/16";
constexpr const char* kEndpointAdvice =
    "write address:port or name:port, such as 192.0.2.1:51820 or gw.example.org:51820";

std::optional<Ipv4Prefix> prefix_error(PrefixError error, const std::string& text, const std::string& path,
                                       ConfigErrors& errors) {
  if (text.find(':') != std::string::npos) {
    errors.push_back({path, text + ": IPv6 prefixes are not supported yet", "write an IPv4 prefix"});
  } else if (parse_ipv4(text)) {
    errors.push_back({path, text + " has no length", "write " + text + "/32 for this one address"});
  } else if (error == PrefixError::kHostBits) {
    const auto given = parse_interface_address(text);
    const auto* address = given ? std::get_if<Ipv4Address>(&given->address) : nullptr;
    const std::string advice =
        address != nullptr ? "write " + to_string(make_prefix(*address, given->length)) : kPrefixAdvice;
    errors.push_back({path, text + " has host bits", advice});
  } else if (error == PrefixError::kLength) {
    errors.push_back({path, text + " has a length that is not between 1 and 32", kPrefixAdvice});
  } else {
    errors.push_back({path, "'" + text + "' is not a prefix", kPrefixAdvice});
  }
  return std::nullopt;
}

// Why it is no endpoint: the part that its writer has to look at.
std::string endpoint_fault(const std::string& text) {
  const std::string host = text.substr(0, text.rfind(':'));
  if (host.find_first_of(":[]") != std::string::npos || looks_like_address(host)) {
    return "'" + text + "' is not an address and port";
  }
  if (is_host_name(host)) return "'" + text + "' has no port from 1 to 65535";
  return "'" + host + "' is not a host's name: letters, digits and hyphens between dots, 63 at most, 253 in all";
}

}  // namespace

std::string item_path(const std::string& list, std::size_t index) { return list + "[" + std::to_string(index) + "]"; }

std::string as_prefix(const std::string& text) { return parse_ipv4(text) ? text + "/32" : text; }

std::optional<Ipv4Prefix> readable_prefix(const std::string& text) {
  const auto parsed = parse_ipv4_prefix(as_prefix(text));
  const Ipv4Prefix* prefix = std::get_if<Ipv4Prefix>(&parsed);
  return prefix != nullptr && prefix->length != 0 ? std::optional(*prefix) : std::nullopt;
}

std::optional<Ipv4Prefix> check_prefix(const std::string& text, const std::string& path, ConfigErrors& errors) {
  if (text.empty()) {
    errors.push_back({path, "is missing", kPrefixAdvice});
    return std::nullopt;
  }
  const auto parsed = parse_ipv4_prefix(text);
  if (const PrefixError* error = std::get_if<PrefixError>(&parsed)) return prefix_error(*error, text, path, errors);
  const Ipv4Prefix prefix = std::get<Ipv4Prefix>(parsed);
  if (prefix.length == 0) return prefix_error(PrefixError::kLength, text, path, errors);
  return prefix;
}

std::optional<Ipv4Prefix> check_unicast_prefix(const std::string& text, const std::string& path, ConfigErrors& errors) {
  const std::optional<Ipv4Prefix> prefix = check_prefix(text, path, errors);
  if (!prefix) return std::nullopt;
  const std::string range = special_range(*prefix);
  if (range.empty()) return prefix;
  errors.push_back({path, text + " overlaps " + range, "write a prefix of ordinary addresses"});
  return std::nullopt;
}

bool check_name(const std::string& text, const std::string& path, ConfigErrors& errors) {
  constexpr const char* kAdvice =
      "write 1 to 63 lower-case letters, digits and hyphens that begin and end with a letter or digit";
  if (text.empty()) {
    errors.push_back({path, "is missing", kAdvice});
    return false;
  }
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool good = text.size() <= 63 && alphanumeric(text.front()) && alphanumeric(text.back()) &&
                    std::all_of(text.begin(), text.end(), [&](char c) { return alphanumeric(c) || c == '-'; });
  if (!good) errors.push_back({path, "'" + text + "' is not a name", kAdvice});
  return good;
}

std::optional<tunnel::PublicKey> check_public_key(const std::string& text, const std::string& path,
                                                  ConfigErrors& errors) {
  constexpr const char* kAdvice = "write the peer's public key as `wg pubkey` prints it: 44 characters that end with =";
  const std::optional<tunnel::PublicKey> key = tunnel::parse_key(text);
  if (!key) {
    errors.push_back({path, text.empty() ? "is missing" : "'" + text + "' is not a base64 key of 32 bytes", kAdvice});
    return std::nullopt;
  }
  if (*key == tunnel::PublicKey{}) {
    errors.push_back({path, "the key is all zeros", kAdvice});
    return std::nullopt;
  }
  return key;
}

std::optional<PeerEndpoint> check_endpoint(const std::string& text, const std::string& path, ConfigErrors& errors) {
  if (const std::optional<EndpointName> name = parse_endpoint_name(text)) return *name;
  const std::optional<Endpoint> endpoint = parse_endpoint(text);
  if (!endpoint) {
    errors.push_back({path, endpoint_fault(text), kEndpointAdvice});
    return std::nullopt;
  }
  const std::string range = special_range(endpoint->address);
  if (!range.empty()) {
    errors.push_back(
        {path, text + " is an address of " + range, "write the address at which the peer's gateway listens"});
    return std::nullopt;
  }
  return *endpoint;
}

void check_listen_address(const std::string& text, const std::string& path, ConfigErrors& errors) {
  const std::optional<Endpoint> endpoint = parse_endpoint(text);
  if (endpoint && endpoint->port != 0) return;
  errors.push_back({path, "'" + text + "' is not an address and port", "write address:port, such as 127.0.0.1:8084"});
}

void check_file(const std::string& text, const std::string& path, const char* advice, ConfigErrors& errors) {
  if (text.empty()) errors.push_back({path, "is missing", advice});
}

std::int64_t check_number(std::int64_t value, std::int64_t low, std::int64_t high, const std::string& path,
                          ConfigErrors& errors) {
  if (value >= low && value <= high) return value;
  errors.push_back({path, std::to_string(value) + " is out of range",
                    "write a number from " + std::to_string(low) + " to " + std::to_string(high)});
  return low;
}

std::vector<std::uint16_t> check_lane_ports(const std::vector<std::int64_t>& listed, std::int64_t first,
                                            std::size_t lanes, const std::string& path, ConfigErrors& errors) {
  std::vector<std::uint16_t> ports;
  if (!listed.empty() && listed.size() < lanes) {
    errors.push_back({path, "lists " + std::to_string(listed.size()) + " ports for " + std::to_string(lanes) + " lanes",
                      "write a port for each lane, or leave the list out: they are consecutive then"});
  }
  if (listed.empty() && first + static_cast<std::int64_t>(lanes) - 1 > 65535) {
    errors.push_back({path, std::to_string(lanes) + " lanes from port " + std::to_string(first) + " on go beyond 65535",
                      "begin with a lower port, or list one for each lane"});
    return ports;
  }
  for (std::size_t i = 0; i < (listed.empty() ? lanes : listed.size()); ++i) {
    const std::string place = item_path(path, i);
    const std::int64_t port =
        listed.empty() ? first + static_cast<std::int64_t>(i) : check_number(listed[i], 1, 65535, place, errors);
    if (std::ranges::find(ports, port) != ports.end()) {
      errors.push_back({place, std::to_string(port) + " stands in the list already", "write another port"});
    }
    ports.push_back(static_cast<std::uint16_t>(port));
  }
  return ports;
}

std::string special_range(Ipv4Prefix prefix) {
  for (const SpecialRange& range : kSpecialRanges) {
    if (range.prefix.overlaps(prefix)) return range.name;
  }
  return {};
}

std::string special_range(const IpAddress& address) {
  if (const auto* v4 = std::get_if<Ipv4Address>(&address)) return special_range(Ipv4Prefix{*v4, 32});
  const auto& bytes = std::get<Ipv6Address>(address).bytes;
  const auto is_zero = [](std::uint8_t byte) { return byte == 0; };
  if (bytes[0] == 0xff) return "multicast (ff00::/8)";
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) return "link-local (fe80::/10)";
  if (bytes[10] == 0xff && bytes[11] == 0xff && std::all_of(bytes.begin(), bytes.begin() + 10, is_zero)) {
    return "IPv4 in IPv6 (::ffff:0:0/96)";
  }
  const bool low = std::all_of(bytes.begin(), bytes.end() - 1, is_zero);
  return low && bytes[15] <= 1 ? "this host (::/127)" : "";
}

void claim_special_ranges(AddressPlan& plan) {
  for (const SpecialRange& range : kSpecialRanges) plan.claim(range.prefix, range.name);
}

}  // namespace isthmus::config
