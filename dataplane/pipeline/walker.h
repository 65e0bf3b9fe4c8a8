#pragma once
// All that one worker walks with. Its members are handed to the stages one by one, so that each stage's signature tells
// what it depends on.

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/packet/packet.h"
#include "dataplane/packet/time.h"
#include "dataplane/pipeline/counters.h"
#include "dataplane/pipeline/forwarding_tables.h"
#include "dataplane/pipeline/mailbox.h"
#include "dataplane/pipeline/next_hops.h"
#include "dataplane/pipeline/peer_state.h"
#include "dataplane/pipeline/published.h"
#include "dataplane/pipeline/replies.h"
#include "dataplane/pipeline/tracer.h"
#include "nat/flow_table.h"
#include "tunnel/aead.h"
#include "tunnel/handshake_gate.h"
#include "tunnel/session_table.h"

namespace isthmus::pipeline {

// What the service thread publishes and every worker reads.
struct Shared {
  explicit Shared(std::size_t session_capacity) : sessions(session_capacity), peers(kPeerPlaces) {}

  Published<ForwardingTables> tables;
  Published<NextHops> cluster;   // next hops of the cluster port
  Published<NextHops> underlay;  // own addresses of the underlay port
  Published<tunnel::GateKeys> gate_keys;
  tunnel::SessionTable sessions;
  PeerStates peers;
};

// Jobs of one burst; too large for a stack that is also walked by others.
using AeadJobs = std::array<tunnel::AeadJob, kBurstCapacity>;

struct Walker {
  Walker(Shared& shared_state, std::size_t worker_index, std::unique_ptr<tunnel::BurstAead> burst_aead,
         BufferPool& buffer_pool)
      : shared(shared_state),
        index(worker_index),
        aead(std::move(burst_aead)),
        pool(buffer_pool),
        gate(static_cast<std::uint32_t>(worker_index)) {}

  Shared& shared;
  const std::size_t index;
  const std::unique_ptr<tunnel::BurstAead> aead;
  BufferPool& pool;
  Mailbox mailbox;
  tunnel::HandshakeGate gate;
  // Who speaks from shared addresses. An answer finds its flow because there is one worker: with more, each would give
  // ports of its own, by which its answers find it.
  nat::FlowTable flows;
  Tracer tracer;
  std::array<WalkCounters, kDirections> counters;
  // Whether a kernel owns the port: it then has its own copy of every frame, and its L4 checksums may be unfinished.
  bool cluster_port_has_kernel = false;
  bool underlay_port_has_kernel = false;

  // Loaded at the start of each burst, good until its end.
  const ForwardingTables* tables = nullptr;
  const NextHops* cluster = nullptr;
  const NextHops* underlay = nullptr;
  const tunnel::GateKeys* gate_keys = nullptr;
  Instant now;

  Replies replies;      // ICMP errors of ours about packets of this burst
  PacketBurst cookies;  // frames for the underlay port: cookies for those who asked for a handshake in this burst
  AeadJobs jobs;

  void load(Instant instant) {
    tables = shared.tables.load();
    cluster = shared.cluster.load();
    underlay = shared.underlay.load();
    gate_keys = shared.gate_keys.load();
    now = instant;
  }
  // Until the first configuration is published there is nothing to walk on.
  bool ready() const { return tables != nullptr && cluster != nullptr && underlay != nullptr && gate_keys != nullptr; }
};

}  // namespace isthmus::pipeline
