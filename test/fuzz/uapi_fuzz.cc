// What anybody may say on WireGuard's configuration socket, and what becomes of the document then.
#include <cstdint>
#include <string_view>

#include "dataplane/config/drift.h"
#include "dataplane/config/validate.h"
#include "dataplane/config/wg_edit.h"
#include "test/unit/config/sample.h"

namespace {

using namespace isthmus;
using namespace isthmus::config;

DesiredState document() {
  DesiredState state = sample();
  state.peers[0].lanes = 2;
  state.peers[0].endpoint_ports = {51820, 40000};
  return state;
}

WgDevice device_of(const ValidatedConfig& config) {
  WgDevice device{.listen_port = config.listen_ports.front()};
  device.private_key.bytes.fill(1);
  for (const PeerConfig& peer : config.peers) {
    WgPeer& words = device.peers.emplace_back(WgPeer{.public_key = peer.public_key});
    if (peer.endpoint) words.endpoint = to_string(*peer.endpoint);
    const auto keepalive = std::chrono::duration_cast<std::chrono::seconds>(peer.persistent_keepalive).count();
    words.persistent_keepalive = static_cast<std::uint16_t>(keepalive);
    for (const nat::PrefixMap& map : peer.remote) words.allowed_ips.push_back(map.real);
  }
  return device;
}

// The answer to get as a request: `wg showconf` and then `wg setconf`.
std::string said_again(const WgDevice& device) {
  const SecretText answer = wg_answer(device);
  std::string request = "set=1\nreplace_peers=true\n";
  for (std::string_view text = answer; !text.empty() && text.front() != '\n';) {
    const std::size_t end = text.find('\n') + 1;
    const std::string_view line = text.substr(0, end);
    const bool only_told = line.starts_with("last_") || line.starts_with("tx_") || line.starts_with("rx_");
    if (!only_told && !line.starts_with("errno")) request += line;
    text.remove_prefix(end);
  }
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const DesiredState start = document();
  const auto parsed = parse_wg_request({reinterpret_cast<const char*>(data), size});
  if (const auto* error = std::get_if<WgError>(&parsed)) {
    if (error->why.empty() || error->number <= 0) __builtin_trap();
    return 0;
  }
  const auto* wanted = std::get_if<WgEdit>(&parsed);
  if (wanted == nullptr) return 0;
  const DesiredState running = edit(start, start, *wanted).state;
  const auto checked = validate(running);
  const auto* config = std::get_if<ValidatedConfig>(&checked);
  if (config == nullptr) return 0;
  if (drift(start, running).empty() && *config != std::get<ValidatedConfig>(validate(start))) __builtin_trap();
  const auto again = parse_wg_request(said_again(device_of(*config)));
  if (!std::holds_alternative<WgEdit>(again)) __builtin_trap();
  const auto same = validate(edit(start, running, std::get<WgEdit>(again)).state);
  if (!std::holds_alternative<ValidatedConfig>(same) || std::get<ValidatedConfig>(same) != *config) __builtin_trap();
  return 0;
}
