#include "dataplane/config/endpoint_name.h"

#include <algorithm>
#include <charconv>

namespace isthmus::config {
namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_alphanumeric(char c) { return is_digit(c) || is_letter(c); }

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && is_alphanumeric(label.front()) &&
         is_alphanumeric(label.back()) &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

// As inet_aton reads numbers: "300", "0x7f".
bool is_number(std::string_view label) {
  if (label.starts_with("0x") || label.starts_with("0X")) {
    return std::all_of(label.begin() + 2, label.end(), is_hex_digit);
  }
  return std::all_of(label.begin(), label.end(), is_digit);
}

std::string_view without_last_dot(std::string_view text) {
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

}  // namespace

bool looks_like_address(std::string_view text) {
  const std::string_view name = without_last_dot(text);
  const std::size_t dot = name.rfind('.');
  return is_number(dot == std::string_view::npos ? name : name.substr(dot + 1));
}

bool is_host_name(std::string_view text) {
  std::string_view rest = without_last_dot(text);
  if (rest.size() > kLongestName || looks_like_address(rest)) return false;
  for (;;) {
    const std::size_t dot = rest.find('.');
    if (!is_label(rest.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    rest.remove_prefix(dot + 1);
  }
}

std::optional<EndpointName> parse_endpoint_name(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_host_name(text.substr(0, colon))) return std::nullopt;
  const char* end = text.data() + text.size();
  std::uint16_t port = 0;
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc{} || rest != end || port == 0) return std::nullopt;
  return EndpointName{std::string(text.substr(0, colon)), port};
}

std::string to_string(const EndpointName& name) { return name.host + ":" + std::to_string(name.port); }

}  // namespace isthmus::config
