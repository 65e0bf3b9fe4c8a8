#pragma once
#include "dataplane/packet/checksum.h"
#include "dataplane/packet/headers.h"

namespace isthmus::pipeline {

// A router takes one off (RFC 1812 section 5.3.1). False, with nothing changed, when none is left.
inline bool decrement_ttl(Ipv4Header& ip) {
  if (ip.ttl <= 1) return false;
  --ip.ttl;
  // TTL is the high byte of its word: one less there is -0x0100, in one's complement 0xfeff.
  ip.checksum = update_checksum(ip.checksum, 0xfeff);
  return true;
}

}  // namespace isthmus::pipeline
