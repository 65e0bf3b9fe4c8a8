#pragma once
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/outer_header.h"
#include "tunnel/wire.h"

namespace isthmus::pipeline {

// Whether seal and encapsulate can put around `packet` what they have to, after `in_front` more bytes before it.
inline bool has_tunnel_room(const Packet& packet, std::size_t in_front = 0) {
  constexpr std::size_t kBefore = OuterHeader::kMaxSize + sizeof(tunnel::DataHeader);
  constexpr std::size_t kAfter = tunnel::kPaddingMultiple - 1 + tunnel::kTagSize;
  return packet.headroom >= kBefore + in_front && packet.tailroom >= kAfter;
}

}  // namespace isthmus::pipeline
