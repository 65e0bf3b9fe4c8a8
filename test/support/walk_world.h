#pragma once
// The house example for walk tests: clusters A (under test, "near") and B ("far") with the same 10.244.0.0/16.
//
//   A sees B as 10.71.0.0/16        pod 10.244.1.5 in A sends to 10.71.2.7,
//   A shows itself as 10.99.0.0/16  the wire carries 10.99.1.5 -> 10.244.2.7,
//   B sees that as 10.72.0.0/16     pod 10.244.2.7 in B sees 10.72.1.5.

#include <algorithm>

#include "test/support/memory_gateway.h"

namespace isthmus::test {

class WalkWorld {
 public:
  WalkWorld() : near({.config = near_config()}), far(far_setup()) { connect(near, 0, far, 0); }

  static config::ValidatedConfig near_config() {
    config::ValidatedConfig config;
    config.name = "near";
    config.listen_ports = {51820};
    config.pods = {prefix4("10.244.0.0/16")};
    config::PeerConfig peer;
    peer.name = "far";
    peer.mtu = 1420;
    peer.remote = {nat::make_prefix_map(prefix4("10.244.0.0/16"), prefix4("10.71.0.0/16"))};
    peer.local = {nat::make_prefix_map(prefix4("10.244.0.0/16"), prefix4("10.99.0.0/16"))};
    config.peers = {peer};
    return config;
  }
  static MemoryGatewaySetup far_setup() {
    config::ValidatedConfig config = near_config();
    config.name = "far";
    config.peers[0].name = "near";
    config.peers[0].remote = {nat::make_prefix_map(prefix4("10.99.0.0/16"), prefix4("10.72.0.0/16"))};
    config.peers[0].local = {nat::make_prefix_map(prefix4("10.244.0.0/16"), prefix4("10.244.0.0/16"))};
    return {.underlay_address = "192.0.2.2", .pod = "10.244.2.7", .config = config};
  }

  static PacketBuilder from_pod(const char* destination = "10.71.2.7", const char* source = "10.244.1.5") {
    return PacketBuilder().ethernet(kClusterMac, kPodMac).ipv4(source, destination);
  }

  // One frame into a port of `gateway`.
  static void put(MemoryGateway& gateway, MemoryPort& port, std::span<const std::uint8_t> frame) {
    Packet packet;
    if (!gateway.pool.allocate(packet)) std::abort();
    packet.resize(frame.size());
    std::ranges::copy(frame, packet.data);
    port.incoming.push_back(packet);
  }
  // The same, and a round of its worker.
  void receive(MemoryGateway& gateway, MemoryPort& port, std::span<const std::uint8_t> frame) {
    put(gateway, port, frame);
    gateway.worker.run_once(now);
  }
  void from_cluster(std::span<const std::uint8_t> frame) { receive(near, near.cluster, frame); }
  void from_underlay(std::span<const std::uint8_t> frame) { receive(near, near.underlay, frame); }

  // A data message of the far end around `inner`, as a frame for the near one. What a peer says is its own affair:
  // addresses, padding and counter are taken as given.
  Bytes sealed_by_far(Bytes inner, std::uint64_t counter) {
    const tunnel::Session& session = *far.sessions.back();
    inner.resize((inner.size() + 15) & ~std::size_t{15});
    BuiltPacket message(inner);
    Packet& packet = message.packet();
    packet.resize(inner.size() + tunnel::kTagSize);
    tunnel::AeadJob job{.key = &session.keys.sending,
                        .counter = counter,
                        .data = packet.data,
                        .length = static_cast<std::uint32_t>(inner.size())};
    far.walker.aead->seal({&job, 1});
    packet.push(sizeof(tunnel::DataHeader));
    auto& header = *packet.header<tunnel::DataHeader>();
    header.type = static_cast<std::uint32_t>(tunnel::MessageType::kData);
    header.receiver_index = session.remote_index;
    header.counter = counter;
    far.shared.peers[0]->lane(0).outer.load()->put_on(packet, 1);
    return bytes_of(packet);
  }
  // A frame from the far gateway's address to the near one's UDP port.
  static PacketBuilder on_underlay() {
    return PacketBuilder().ethernet(kUnderlayMac, kUnderlayMac).ipv4("192.0.2.2", "192.0.2.1").udp(51820, 51820);
  }

  // The frame of an initiation to whoever has that key.
  static Bytes initiation(const tunnel::PublicKey& receiver, PacketBuilder frame = on_underlay()) {
    Bytes message(sizeof(tunnel::MessageInitiation), 0x33);
    constexpr std::uint8_t kType[] = {1, 0, 0, 0};
    std::ranges::copy(kType, message.begin());
    tunnel::CookieJar(receiver).add_macs(message, kStart);
    return frame.payload(message).bytes();
  }
  // A cookie reply that names an index of the near gateway.
  Bytes cookie_to_near() const {
    tunnel::MessageCookieReply reply{};
    reply.type = static_cast<std::uint32_t>(tunnel::MessageType::kCookieReply);
    reply.receiver_index = near.sessions[0]->local_index;
    const auto bytes = tunnel::bytes_of(reply);
    return on_underlay().payload(Bytes(bytes.begin(), bytes.end())).bytes();
  }

  // Takes what a port has sent; its memory goes back to the pool.
  static std::vector<Bytes> take(MemoryGateway& gateway, MemoryPort& port) {
    std::vector<Bytes> frames;
    for (Packet& packet : port.outgoing) {
      frames.push_back(bytes_of(packet));
      gateway.pool.release(packet);
    }
    port.outgoing.clear();
    return frames;
  }
  // Carries all that the near gateway has sent to the far one, and takes what that one delivers to its cluster.
  std::vector<Bytes> carry_to_far() {
    for (const Bytes& frame : take(near, near.underlay)) receive(far, far.underlay, frame);
    return take(far, far.cluster);
  }

  MemoryGateway near;
  MemoryGateway far;
  Instant now = kStart + std::chrono::seconds(1);
};

}  // namespace isthmus::test
