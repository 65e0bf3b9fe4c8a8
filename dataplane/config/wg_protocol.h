#pragma once
// WireGuard's userspace configuration protocol (wireguard.com/xplatform), which `wg` speaks: lines of key=value, a
// blank line ends a request and its answer. "get=1" asks for a device's state, "set=1" and what follows changes it.
// Keys are hexadecimal; the answer's last line is errno=0 or a negative number of errno.h.
//
// Here is what is said; what it means for a document is wg_edit.h's.

#include <cerrno>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dataplane/config/secret_text.h"
#include "dataplane/packet/address.h"
#include "tunnel/keys.h"

namespace isthmus::config {

// What a document with as many peers as there may be, each with a handful of prefixes, takes.
inline constexpr std::size_t kMaxWgRequest = 4U << 20;  // bytes
// `wg syncconf` from one full set of peers to another removes as many as it adds.
inline constexpr std::size_t kMaxWgPeers = 2 * 4096;
inline constexpr std::size_t kMaxWgAllowedIps = 8 * 4096;  // of all peers together

// Why a request is refused. `why` never quotes the request: a key may stand where a name should.
struct WgError {
  int number = EINVAL;
  std::string why;
};

struct WgAllowedIp {
  Ipv4Prefix prefix;
  bool remove = false;
  bool operator==(const WgAllowedIp&) const = default;
};

struct WgPeerEdit {
  tunnel::PublicKey public_key{};
  bool remove = false;
  bool update_only = false;                        // nothing happens when there is no such peer
  std::optional<tunnel::SecretKey> preshared_key;  // all zero: none from now on
  std::optional<Endpoint> endpoint;
  std::optional<std::uint16_t> persistent_keepalive;  // seconds; 0: off
  bool replace_allowed_ips = false;
  std::vector<WgAllowedIp> allowed_ips;  // in the order in which they take effect
  bool operator==(const WgPeerEdit&) const = default;
};

struct WgEdit {
  std::optional<tunnel::SecretKey> private_key;  // all zero: none from now on
  std::optional<std::uint16_t> listen_port;      // 0: any
  bool replace_peers = false;
  std::vector<WgPeerEdit> peers;  // one may stand there twice
  bool operator==(const WgEdit&) const = default;
};

struct WgGet {};

// `text` ends before, with or after its blank line; what follows that is ignored.
std::variant<WgGet, WgEdit, WgError> parse_wg_request(std::string_view text);

struct WgPeer {
  tunnel::PublicKey public_key{};
  tunnel::SecretKey preshared_key;  // all zero: none
  std::string endpoint;             // empty: not known
  std::int64_t last_handshake_seconds = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint16_t persistent_keepalive = 0;
  std::vector<Ipv4Prefix> allowed_ips;
};

struct WgDevice {
  tunnel::SecretKey private_key;
  std::uint16_t listen_port = 0;
  std::vector<WgPeer> peers;
};

// The answer to get. It holds the private and the pre-shared keys, as `wg showconf` needs them: it is for those who
// could also read the key files, and the socket's mode sees to that.
SecretText wg_answer(const WgDevice& device);
// The answer to set, and to what is refused; 0: done.
SecretText wg_answer(int number);

std::string to_hex(std::span<const std::uint8_t> bytes);

}  // namespace isthmus::config
