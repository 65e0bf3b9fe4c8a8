#include "dataplane/config/wg_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace isthmus::config {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

using Key = std::array<std::uint8_t, tunnel::kKeySize>;

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

bool read_hex(std::string_view text, Key& key) {
  if (text.size() != 2 * key.size()) return false;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    key[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

template <typename Number>
std::optional<Number> read_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Everything up to `end`, which is taken away too.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t length = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return taken;
}

// One request "set=1", line by line, until the first mistake.
class SetParser {
 public:
  std::variant<WgGet, WgEdit, WgError> run(std::string_view lines) {
    while (!lines.empty()) {
      std::string_view value = take_until(lines, '\n');
      if (value.empty()) break;
      ++line_;
      const std::string_view key = take_until(value, '=');
      if (key == "public_key") {
        begin_peer(value);
      } else if (edit_.peers.empty()) {
        device_line(key, value);
      } else {
        peer_line(key, value);
      }
      if (error_) return std::move(*error_);
    }
    return std::move(edit_);
  }

 private:
  void fail(const std::string& why, int number = EINVAL) {
    error_ = WgError{number, "line " + std::to_string(line_) + ": " + why};
  }

  void begin_peer(std::string_view value) {
    if (edit_.peers.size() == kMaxWgPeers) return fail("more than " + std::to_string(kMaxWgPeers) + " peers", E2BIG);
    if (!read_hex(value, edit_.peers.emplace_back().public_key)) fail("public_key is not 64 hexadecimal digits");
  }

  void device_line(std::string_view key, std::string_view value) {
    if (key == "private_key") return read_secret(value, "private_key", edit_.private_key);
    if (key == "listen_port") return read_u16(value, "listen_port", edit_.listen_port);
    if (key == "replace_peers") return read_true(value, "replace_peers", edit_.replace_peers);
    if (key != "fwmark") return fail("is nothing that can be set of a device");
    if (read_number<std::uint32_t>(value) != 0U) fail("fwmark: packets that never were the kernel's have no mark");
  }

  void peer_line(std::string_view key, std::string_view value) {
    WgPeerEdit& peer = edit_.peers.back();
    if (key == "remove") return read_true(value, "remove", peer.remove);
    if (key == "update_only") return read_true(value, "update_only", peer.update_only);
    if (key == "preshared_key") return read_secret(value, "preshared_key", peer.preshared_key);
    if (key == "endpoint") return read_endpoint(value, peer);
    if (key == "persistent_keepalive_interval") return read_u16(value, "the interval", peer.persistent_keepalive);
    if (key == "allowed_ip") return read_allowed_ip(value, peer);
    if (key == "replace_allowed_ips") {
      peer.allowed_ips.clear();  // what came before it is replaced too
      return read_true(value, "replace_allowed_ips", peer.replace_allowed_ips);
    }
    if (key != "protocol_version") return fail("is nothing that can be set of a peer");
    if (value != "1") fail("protocol_version: there is only 1");
  }

  void read_true(std::string_view value, const char* name, bool& into) {
    into = true;
    if (value != "true") fail(std::string(name) + " can only be true");
  }
  void read_secret(std::string_view value, const char* name, std::optional<tunnel::SecretKey>& into) {
    if (!read_hex(value, into.emplace().bytes)) fail(std::string(name) + " is not 64 hexadecimal digits");
  }
  void read_u16(std::string_view value, const char* name, std::optional<std::uint16_t>& into) {
    into = read_number<std::uint16_t>(value);
    if (!into) fail(std::string(name) + " is not a number from 0 to 65535");
  }
  void read_endpoint(std::string_view value, WgPeerEdit& peer) {
    peer.endpoint = parse_endpoint(value);
    if (!peer.endpoint) fail("endpoint is not address:port");
  }
  void read_allowed_ip(std::string_view value, WgPeerEdit& peer) {
    if (++allowed_ips_ > kMaxWgAllowedIps) return fail("too many allowed IPs for one request", E2BIG);
    const bool remove = value.starts_with('-');
    const auto given = parse_interface_address(value.substr(remove ? 1 : 0));
    if (!given) return fail("allowed_ip is not address/length");
    const auto* address = std::get_if<Ipv4Address>(&given->address);
    if (address == nullptr) return fail("allowed_ip: IPv6 prefixes are not supported yet", EAFNOSUPPORT);
    peer.allowed_ips.push_back({make_prefix(*address, given->length), remove});  // as the kernel, which drops host bits
  }

  WgEdit edit_;
  std::optional<WgError> error_;
  int line_ = 1;
  std::size_t allowed_ips_ = 0;
};

class Answer {
 public:
  void line(std::string_view key, std::string_view value) { text_.append(key).append("=").append(value).append("\n"); }
  void line(std::string_view key, std::uint64_t value) { line(key, std::to_string(value)); }
  void line(std::string_view key, const Key& bytes) {
    text_.append(key).append("=");
    for (const std::uint8_t byte : bytes) {
      text_.push_back(kHexDigits[byte >> 4]);
      text_.push_back(kHexDigits[byte & 15]);
    }
    text_.append("\n");
  }
  SecretText end(int number) {
    line("errno", number == 0 ? "0" : "-" + std::to_string(std::abs(number)));
    text_.append("\n");
    return std::move(text_);
  }

 private:
  SecretText text_;
};

}  // namespace

std::variant<WgGet, WgEdit, WgError> parse_wg_request(std::string_view text) {
  const std::string_view operation = take_until(text, '\n');
  if (operation == "get=1") {
    if (text.empty() || text.front() == '\n') return WgGet{};
    return WgError{EINVAL, "nothing follows get=1"};
  }
  if (operation == "set=1") return SetParser().run(text);
  return WgError{EPROTO, "line 1: neither get=1 nor set=1"};
}

SecretText wg_answer(const WgDevice& device) {
  Answer answer;
  answer.line("private_key", device.private_key.bytes);
  answer.line("listen_port", device.listen_port);
  for (const WgPeer& peer : device.peers) {
    answer.line("public_key", peer.public_key);
    answer.line("preshared_key", peer.preshared_key.bytes);
    answer.line("protocol_version", 1);
    if (!peer.endpoint.empty()) answer.line("endpoint", peer.endpoint);
    answer.line("last_handshake_time_sec", static_cast<std::uint64_t>(peer.last_handshake_seconds));
    answer.line("last_handshake_time_nsec", 0);
    answer.line("tx_bytes", peer.sent_bytes);
    answer.line("rx_bytes", peer.received_bytes);
    answer.line("persistent_keepalive_interval", peer.persistent_keepalive);
    for (const Ipv4Prefix prefix : peer.allowed_ips) answer.line("allowed_ip", to_string(prefix));
  }
  return answer.end(0);
}

SecretText wg_answer(int number) { return Answer().end(number); }

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

}  // namespace isthmus::config
