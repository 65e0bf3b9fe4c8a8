#pragma once
// Where handshake messages are judged, on the worker that received them, before anything is queued or calculated for
// them. The rules, and what an attacker can make of them, stand in handshake_gate.cc.

#include <cstdint>
#include <optional>
#include <vector>

#include "tunnel/cookie.h"
#include "tunnel/session_table.h"
#include "tunnel/source_limiter.h"

namespace isthmus::tunnel {

// What a gate knows of our keys: derived from public ones, but for the cookies' secrets. Immutable once published.
struct GateKeys {
  std::vector<CookieChecker> checkers;  // one for each static key of ours
  MacKey source_hash;                   // chosen at random at the start

  bool operator==(const GateKeys&) const = default;
};

enum class Admission : std::uint8_t {
  kAdmitted,
  kUnawaited,  // answers nothing that we have asked
  kMac1Wrong,  // whoever sent it does not know our public key
  kUnproven,   // may come from elsewhere than it says: a cookie is the answer
  kFlood,      // one source, more than its share
};

// One a worker.
class HandshakeGate {
 public:
  explicit HandshakeGate(std::uint32_t worker) : replies_(std::uint64_t{worker} << 48) {}

  // From now on for a second, strangers must prove where they are.
  void under_load(Instant now) { loaded_until_ = now + kLoadLasts; }

  // `message` is a whole initiation, response or cookie reply. `cookie` is filled in for kUnproven.
  Admission judge(const GateKeys& keys, const SessionTable& sessions, Bytes message, const Endpoint& source,
                  Instant now, MessageCookieReply& cookie);

 private:
  static constexpr Duration kLoadLasts = 1s;  // as other implementations have it

  Admission judge_initiation(const GateKeys& keys, const CookieChecker& checker, Bytes message, const Endpoint& source,
                             Instant now, MessageCookieReply& cookie);

  SourceLimiter limiter_;
  Sealer sealer_;
  std::uint64_t replies_;  // counts on from the worker's own range: no two replies have the same number
  std::optional<Instant> loaded_until_;
};

}  // namespace isthmus::tunnel
