#pragma once
// IPv4 fragmentation (RFC 791 section 2.3 and 3.2).

#include "dataplane/packet/packet.h"

namespace isthmus {

// Cuts `packet` (data at its IPv4 header, parsed, DF clear, longer than `mtu`) into pieces of at most `mtu` bytes. The
// packet itself becomes the first piece; the others are appended to `burst` as copies of its metadata with buffers
// from `pool` and their parse fields set. A fragment is cut further correctly. IP options are copied only where their
// copy flag says so. No piece is larger than a buffer with room for what seal appends. Returns false, with `packet`
// unchanged and nothing appended, when buffers or room in the burst run out, or when the first piece could not hold the
// L4 header (options and an MTU below 124). mtu is at least 68.
bool fragment_ipv4(Packet& packet, std::uint16_t mtu, PacketBurst& burst, BufferPool& pool);

}  // namespace isthmus
