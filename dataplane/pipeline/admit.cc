#include "dataplane/pipeline/admit.h"

#include <cstring>

#include "dataplane/pipeline/outer_header.h"

namespace isthmus::pipeline {
namespace {

DropReason reason_of(tunnel::Admission admission) {
  switch (admission) {
    case tunnel::Admission::kAdmitted:
      break;
    case tunnel::Admission::kUnawaited:
      return DropReason::kHandshakeUnawaited;
    case tunnel::Admission::kMac1Wrong:
      return DropReason::kHandshakeMac1Wrong;
    case tunnel::Admission::kUnproven:
      return DropReason::kHandshakeUnproven;
    case tunnel::Admission::kFlood:
      return DropReason::kHandshakeFlood;
  }
  return DropReason::kNone;
}

void answer(const tunnel::MessageCookieReply& cookie, const Packet& asked, BufferPool& pool, PacketBurst& cookies) {
  Packet reply;
  if (cookies.full() || !pool.allocate(reply)) return;
  reply.resize(sizeof(cookie));
  std::memcpy(reply.data, &cookie, sizeof(cookie));
  way_back(asked).put_on(reply, 0);
  cookies.add() = reply;
}

}  // namespace

void admit(const tunnel::GateKeys& keys, tunnel::HandshakeGate& gate, const tunnel::SessionTable& sessions,
           const Mailbox& mailbox, BufferPool& pool, PacketBurst& cookies, Instant now, PacketBurst& burst) {
  for (Packet& packet : burst.all()) {
    if (packet.punt != Punt::kHandshake) continue;
    if (mailbox.handshakes_pile_up()) gate.under_load(now);
    tunnel::MessageCookieReply cookie;
    const auto admission = gate.judge(keys, sessions, {packet.data, packet.length}, outer_source(packet), now, cookie);
    packet.drop = reason_of(admission);
    if (packet.drop == DropReason::kNone) continue;
    packet.punt = Punt::kNone;
    if (admission == tunnel::Admission::kUnproven) answer(cookie, packet, pool, cookies);
  }
}

}  // namespace isthmus::pipeline
