#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/mailbox.h"
#include "tunnel/handshake_gate.h"

namespace isthmus::pipeline {

// Handshake messages, which decapsulate has punted, are judged before the service thread sees them
// (tunnel/handshake_gate.cc). `cookies` gets frames for the underlay port: the answers to those who are to prove where
// they are.
void admit(const tunnel::GateKeys& keys, tunnel::HandshakeGate& gate, const tunnel::SessionTable& sessions,
           const Mailbox& mailbox, BufferPool& pool, PacketBurst& cookies, Instant now, PacketBurst& burst);

}  // namespace isthmus::pipeline
