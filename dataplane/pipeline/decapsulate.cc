#include "dataplane/pipeline/decapsulate.h"

#include "dataplane/packet/headers.h"
#include "dataplane/packet/parse.h"
#include "dataplane/pipeline/parse.h"
#include "dataplane/pipeline/peer_state.h"
#include "tunnel/wire.h"

namespace isthmus::pipeline {
namespace {

// Leaves `data` at the WireGuard message; false when the packet does not walk on.
bool strip_outer(std::uint16_t listen_port, const NextHops& underlay, bool kernel_owned, Packet& packet) {
  if (!parse_frame_for_us(underlay, kernel_owned, packet) || !parse_ipv4(packet)) return false;
  const auto& ip = *packet.header<Ipv4Header>();
  const auto udp = static_cast<std::uint8_t>(IpProtocol::kUdp);
  if (Ipv4Address{ip.destination} != underlay.own() || packet.protocol != udp || !packet.has_l4 ||
      packet.header<UdpHeader>(packet.l4_offset)->destination_port != listen_port) {
    packet.punt = Punt::kNotOurs;
    return false;
  }
  if (packet.is_fragment) {
    packet.drop = DropReason::kOuterFragmented;
    return false;
  }
  packet.resize(packet.l4_offset + packet.header<UdpHeader>(packet.l4_offset)->length);
  packet.pull(packet.l4_offset + sizeof(UdpHeader));
  return true;
}

bool is_handshake(std::uint32_t type, std::uint32_t length) {
  using tunnel::MessageType;
  switch (static_cast<MessageType>(type)) {
    case MessageType::kInitiation:
      return length == sizeof(tunnel::MessageInitiation);
    case MessageType::kResponse:
      return length == sizeof(tunnel::MessageResponse);
    case MessageType::kCookieReply:
      return length == sizeof(tunnel::MessageCookieReply);
    case MessageType::kData:
      return false;
  }
  return false;
}

void find_session(const tunnel::SessionTable& sessions, Packet& packet) {
  const std::uint32_t type = packet.length >= sizeof(Little32) ? std::uint32_t{*packet.header<Little32>()} : 0;
  if (type != static_cast<std::uint32_t>(tunnel::MessageType::kData)) {
    if (is_handshake(type, packet.length)) {
      packet.punt = Punt::kHandshake;
    } else {
      packet.drop = DropReason::kTunnelMessageMalformed;
    }
    return;
  }
  if (packet.length < tunnel::kDataOverhead) {
    packet.drop = DropReason::kTunnelMessageMalformed;
    return;
  }
  packet.session = sessions.find(packet.header<tunnel::DataHeader>()->receiver_index);
  if (packet.session == nullptr) {
    packet.drop = DropReason::kUnknownSession;
    return;
  }
  packet.peer = packet.session->peer;
}

}  // namespace

void decapsulate(const ForwardingTables& tables, const NextHops& underlay, bool kernel_owned,
                 const tunnel::SessionTable& sessions, PacketBurst& burst) {
  burst.each([&](Packet& packet) {
    if (strip_outer(tables.listen_port, underlay, kernel_owned, packet)) find_session(sessions, packet);
  });
}

std::uint64_t outer_source(const Packet& packet) {
  const auto& udp = *reinterpret_cast<const UdpHeader*>(packet.data - sizeof(UdpHeader));
  const auto& ip = *reinterpret_cast<const Ipv4Header*>(packet.data - sizeof(UdpHeader) - packet.l4_offset);
  return pack_endpoint({ip.source}, udp.source_port);
}

}  // namespace isthmus::pipeline
