// How a packet crosses the isthmus. Each line is a stage, each stage a file of the same name in this folder; what a
// stage is given is all that it depends on. A stage lets a packet walk on, or writes into it why it does not
// (packet.drop) or who takes it instead (packet.punt). worker.cc receives, counts, frees and transmits.

#include "dataplane/pipeline/pipeline.h"

#include <algorithm>
#include <array>

#include "dataplane/pipeline/admit.h"
#include "dataplane/pipeline/authorize.h"
#include "dataplane/pipeline/decapsulate.h"
#include "dataplane/pipeline/encapsulate.h"
#include "dataplane/pipeline/fit_mtu.h"
#include "dataplane/pipeline/open.h"
#include "dataplane/pipeline/parse.h"
#include "dataplane/pipeline/resolve_next_hop.h"
#include "dataplane/pipeline/route_to_peer.h"
#include "dataplane/pipeline/seal.h"
#include "dataplane/pipeline/translate.h"

namespace isthmus::pipeline {
namespace {

using W = Walker;
using Burst = PacketBurst;
constexpr bool kShowsInner = true;

constexpr std::array kOutbound = {
    // Ethernet and IP: bytes -> offsets. Not for us? The kernel has its own copy.
    Stage{"parse", [](W& w, Burst& b) { parse(*w.cluster, w.cluster_port_has_kernel, b); }, kShowsInner},
    // Destination, as the cluster sees it -> peer and map; source -> map; the peer's session.
    Stage{"route_to_peer",
          [](W& w, Burst& b) { route_to_peer(*w.tables, w.shared.peers, w.flows, *w.cluster, w.replies, w.now, b); },
          kShowsInner},
    // TCP's MSS lowered, large packets cut, those that must not be cut answered.
    Stage{"fit_mtu", [](W& w, Burst& b) { fit_mtu(*w.tables, *w.cluster, w.pool, w.replies, w.now, b); }, kShowsInner},
    // Source real -> seen_as, destination seen_as -> real, in one pass.
    Stage{"translate", [](W&, Burst& b) { translate(b); }, kShowsInner},
    // Padding, nonce, ChaCha20-Poly1305, WireGuard's data header.
    Stage{"seal", [](W& w, Burst& b) { seal(*w.tables, w.shared.peers, *w.aead, w.jobs, w.now, b); }},
    // Outer Ethernet, IP and UDP.
    Stage{"encapsulate", [](W& w, Burst& b) { encapsulate(w.shared.peers, b); }},
};

constexpr std::array kInbound = {
    // Outer Ethernet, IP and UDP; receiver index -> session and peer. Handshakes are for the service thread.
    Stage{
        "decapsulate",
        [](W& w, Burst& b) { decapsulate(*w.tables, *w.underlay, w.underlay_port_has_kernel, w.shared.sessions, b); }},
    // Handshakes: macs, cookies and how many a source may send, before they cost anybody anything.
    Stage{
        "admit",
        [](W& w, Burst& b) { admit(*w.gate_keys, w.gate, w.shared.sessions, w.mailbox, w.pool, w.cookies, w.now, b); }},
    // ChaCha20-Poly1305, then the replay window.
    Stage{"open", [](W& w, Burst& b) { open(w.shared.peers, *w.aead, w.mailbox, w.jobs, w.now, b); }, kShowsInner},
    // The inner packet parsed: may this peer send from that source, and reach that destination?
    // Its last hop ends here? Then its sender is told, through the tunnel.
    Stage{"authorize", [](W& w, Burst& b) { authorize(*w.tables, w.shared.peers, w.flows, w.replies, w.now, b); },
          kShowsInner},
    // Source real -> seen_as, destination seen_as -> real: the same code as outbound.
    Stage{"translate", [](W&, Burst& b) { translate(b); }, kShowsInner},
    // Destination -> next hop's MAC.
    Stage{"resolve_next_hop", [](W& w, Burst& b) { resolve_next_hop(*w.cluster, b); }},
};

}  // namespace

std::span<const Stage> outbound() { return kOutbound; }
std::span<const Stage> inbound() { return kInbound; }

void walk(Walker& walker, PacketBurst& burst, Direction direction, std::string_view first) {
  const std::span<const Stage> stages = direction == Direction::kOutbound ? outbound() : inbound();
  const auto start = std::ranges::find_if(stages, [&](const Stage& s) { return first.empty() || s.name == first; });
  const bool traced = walker.tracer.asked();
  if (traced) walker.tracer.begin_walk();
  for (const Stage& stage : std::span(start, stages.end())) {
    stage.run(walker, burst);
    if (traced) walker.tracer.look(burst, direction, stage.name, stage.shows_inner);
  }
}

}  // namespace isthmus::pipeline
