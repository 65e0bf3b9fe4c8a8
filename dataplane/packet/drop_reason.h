#pragma once
// Every way a packet can leave a walk without reaching the other side. Each has a name for the metrics, the stage that
// decides it and a sentence for the administrator (drop_reason.cc). No other cause exists.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace isthmus {

// The packet dies.
enum class DropReason : std::uint8_t {
  kNone,
  // parse: the packet itself
  kFrameTruncated,
  kFrameScattered,
  kIpHeaderInvalid,
  kIpChecksumWrong,
  kIpTruncated,
  kIpv6NotSupported,
  kL4Truncated,
  kFragmentInvalid,
  // outbound
  kNoRoute,
  kSourceNotLocal,
  kNoPortToShare,
  kFlowTableFull,
  kSourceFlowsFull,
  kTtlExpired,
  kTooBig,
  kNoBuffer,
  kHeldQueueFull,
  kSessionExhausted,
  kUnderlayUnresolved,
  // inbound
  kOuterFragmented,
  kTunnelMessageMalformed,
  kHandshakeUnawaited,
  kHandshakeMac1Wrong,
  kHandshakeUnproven,
  kHandshakeFlood,
  kHandshakeQueueFull,
  kUnknownSession,
  kSessionExpired,
  kAuthenticationFailed,
  kReplayed,
  kSourceNotAllowed,
  kDestinationNotOffered,
  kFlowUnknown,
  kEcnCongestedNotCapable,
  kNoRouteToPod,
  // either
  kServiceQueueFull,
  kNeighbourUnresolved,
  kNoSession,
  kTransmitFull,
  kCount,
};

// The packet leaves the walk alive: somebody else takes it from here.
enum class Punt : std::uint8_t {
  kNone,
  kHandshake,         // a WireGuard handshake message, for the service thread
  kKeepalive,         // an authenticated empty packet: it has done its work
  kAwaitSession,      // held by the service thread until the peer's session stands, then walks again
  kAwaitNeighbour,    // held by the service thread until the next hop's MAC is known, then walks again
  kNeighbourMessage,  // ARP or neighbour discovery on a port without a kernel, for the service thread
  kNotOurs,           // for another machine, or for the kernel that owns the port and has its own copy
  kCount,
};

inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(DropReason::kCount);
inline constexpr std::size_t kPunts = static_cast<std::size_t>(Punt::kCount);

struct ReasonText {
  std::string_view name;   // snake_case, the metrics' label value; never changes once released
  std::string_view stage;  // the stage of the walk that decides it
  std::string_view help;   // what it means and what to look at, one sentence
};

const ReasonText& describe(DropReason reason);
const ReasonText& describe(Punt punt);
std::optional<DropReason> drop_reason_from_name(std::string_view name);

}  // namespace isthmus
