#include <cassert>

#include "tunnel/tunnel.h"

namespace isthmus::tunnel {

std::string_view to_string(HandshakeEvent event) {
  switch (event) {
    case HandshakeEvent::kInitiationSent:
      return "initiation_sent";
    case HandshakeEvent::kInitiationReceived:
      return "initiation_received";
    case HandshakeEvent::kResponseSent:
      return "response_sent";
    case HandshakeEvent::kResponseReceived:
      return "response_received";
    case HandshakeEvent::kCompleted:
      return "completed";
    case HandshakeEvent::kCookieReceived:
      return "cookie_received";
    case HandshakeEvent::kAttemptsExhausted:
      return "attempts_exhausted";
    case HandshakeEvent::kRefusedMalformed:
      return "refused_malformed";
    case HandshakeEvent::kRefusedMac1:
      return "refused_mac1";
    case HandshakeEvent::kRefusedUnknownPeer:
      return "refused_unknown_peer";
    case HandshakeEvent::kRefusedDecryption:
      return "refused_decryption";
    case HandshakeEvent::kRefusedReplayedTimestamp:
      return "refused_replayed_timestamp";
    case HandshakeEvent::kRefusedFlood:
      return "refused_flood";
    case HandshakeEvent::kRefusedUnknownIndex:
      return "refused_unknown_index";
    case HandshakeEvent::kRefusedTableFull:
      return "refused_table_full";
    case HandshakeEvent::kCount:
      break;
  }
  assert(false);
  return "";
}

}  // namespace isthmus::tunnel
