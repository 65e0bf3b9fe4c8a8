#pragma once
// Which fields each of api.h's structs has on the wire: the one list that both directions of the codec walk. A field's
// name is the member's name. `visit(name, member)` is called once for each.

#include <concepts>
#include <type_traits>

#include "dataplane/config/api.h"

namespace isthmus::config {

template <typename T, typename Struct>
concept Either = std::same_as<std::remove_const_t<T>, Struct>;  // const when encoded, mutable when decoded

template <typename Visit>
void fields(Visit& visit, Either<DesiredMap> auto& map) {
  visit("real", map.real);
  visit("seen_as", map.seen_as);
  visit("except", map.except);
}

template <typename Visit>
void fields(Visit& visit, Either<DesiredPeer> auto& peer) {
  visit("name", peer.name);
  visit("public_key", peer.public_key);
  visit("preshared_key_file", peer.preshared_key_file);
  visit("endpoint", peer.endpoint);
  visit("lanes", peer.lanes);
  visit("endpoint_ports", peer.endpoint_ports);
  visit("persistent_keepalive", peer.persistent_keepalive);
  visit("mtu", peer.mtu);
  visit("remote", peer.remote);
  visit("local", peer.local);
  visit("others_seen_as", peer.others_seen_as);
}

template <typename Visit>
void fields(Visit& visit, Either<DesiredPort> auto& port) {
  visit("interface", port.interface);
  visit("device", port.device);
  visit("addresses", port.addresses);
  visit("gateway", port.gateway);
  visit("mac", port.mac);
}

template <typename Visit>
void fields(Visit& visit, Either<DesiredState> auto& state) {
  visit("api_version", state.api_version);
  visit("name", state.name);
  visit("private_key_file", state.private_key_file);
  visit("cluster_port", state.cluster_port);
  visit("underlay_port", state.underlay_port);
  visit("pods", state.pods);
  visit("reserved", state.reserved);
  visit("listen_port", state.listen_port);
  visit("listen_ports", state.listen_ports);
  visit("mtu", state.mtu);
  visit("polling", state.polling);
  visit("aead", state.aead);
  visit("metrics_address", state.metrics_address);
  visit("peers", state.peers);
}

template <typename Visit>
void fields(Visit& visit, Either<ConfigError> auto& error) {
  visit("path", error.path);
  visit("message", error.message);
  visit("advice", error.advice);
}

template <typename Visit>
void fields(Visit& visit, Either<LaneStatus> auto& lane) {
  visit("listen_port", lane.listen_port);
  visit("endpoint", lane.endpoint);
  visit("usable", lane.usable);
  visit("last_handshake_seconds", lane.last_handshake_seconds);
}

template <typename Visit>
void fields(Visit& visit, Either<PeerStatus> auto& peer) {
  visit("name", peer.name);
  visit("public_key", peer.public_key);
  visit("endpoint", peer.endpoint);
  visit("endpoint_name", peer.endpoint_name);
  visit("name_trouble", peer.name_trouble);
  visit("connected", peer.connected);
  visit("rotating", peer.rotating);
  visit("last_handshake_seconds", peer.last_handshake_seconds);
  visit("last_received_age", peer.last_received_age);
  visit("handshake_pending_seconds", peer.handshake_pending_seconds);
  visit("transmit_bytes", peer.transmit_bytes);
  visit("receive_bytes", peer.receive_bytes);
  visit("outbound_packets", peer.outbound_packets);
  visit("outbound_bytes", peer.outbound_bytes);
  visit("inbound_packets", peer.inbound_packets);
  visit("inbound_bytes", peer.inbound_bytes);
  visit("lost_packets", peer.lost_packets);
  visit("duplicate_packets", peer.duplicate_packets);
  visit("reordered_packets", peer.reordered_packets);
  visit("held_packets", peer.held_packets);
  visit("memory_bytes", peer.memory_bytes);
  visit("lanes", peer.lanes);
  visit("remote", peer.remote);
  visit("local", peer.local);
}

template <typename Visit>
void fields(Visit& visit, Either<DropStatus> auto& drop) {
  visit("peer", drop.peer);
  visit("direction", drop.direction);
  visit("stage", drop.stage);
  visit("reason", drop.reason);
  visit("help", drop.help);
  visit("packets", drop.packets);
}

template <typename Visit>
void fields(Visit& visit, Either<NamedCount> auto& named) {
  visit("name", named.name);
  visit("count", named.count);
}

template <typename Visit>
void fields(Visit& visit, Either<WalkStatus> auto& walk) {
  visit("direction", walk.direction);
  visit("received", walk.received);
  visit("originated", walk.originated);
  visit("resumed", walk.resumed);
  visit("transmitted", walk.transmitted);
  visit("dropped", walk.dropped);
  visit("punted", walk.punted);
}

template <typename Visit>
void fields(Visit& visit, Either<PortStatus> auto& port) {
  visit("role", port.role);
  visit("device", port.device);
  visit("mac", port.mac);
  visit("addresses", port.addresses);
  visit("kernel", port.kernel);
  visit("missed", port.missed);
}

template <typename Visit>
void fields(Visit& visit, Either<Status> auto& status) {
  visit("version", status.version);
  visit("pid", status.pid);
  visit("started_seconds", status.started_seconds);
  visit("generation", status.generation);
  visit("name", status.name);
  visit("public_key", status.public_key);
  visit("aead", status.aead);
  visit("memory", status.memory);
  visit("polling", status.polling);
  visit("listen_ports", status.listen_ports);
  visit("drift", status.drift);
  visit("ports", status.ports);
  visit("peers", status.peers);
  visit("drops", status.drops);
  visit("walks", status.walks);
  visit("handshakes", status.handshakes);
}

template <typename Visit>
void fields(Visit& visit, Either<TraceRequest> auto& trace) {
  visit("packets", trace.packets);
  visit("address", trace.address);
}

template <typename Visit>
void fields(Visit& visit, Either<TraceStep> auto& step) {
  visit("packet", step.packet);
  visit("direction", step.direction);
  visit("stage", step.stage);
  visit("source", step.source);
  visit("destination", step.destination);
  visit("length", step.length);
  visit("outcome", step.outcome);
}

template <typename Visit>
void fields(Visit& visit, Either<EndpointRequest> auto& endpoint) {
  visit("peer", endpoint.peer);
  visit("endpoint", endpoint.endpoint);
  visit("anew", endpoint.anew);
}

template <typename Visit>
void fields(Visit& visit, Either<Request> auto& request) {
  visit("revision", request.revision);
  visit("method", request.method);
  visit("state", request.state);
  visit("trace", request.trace);
  visit("endpoint", request.endpoint);
}

template <typename Visit>
void fields(Visit& visit, Either<Response> auto& response) {
  visit("revision", response.revision);
  visit("error", response.error);
  visit("errors", response.errors);
  visit("generation", response.generation);
  visit("changed", response.changed);
  visit("status", response.status);
  visit("state", response.state);
  visit("trace", response.trace);
}

}  // namespace isthmus::config
