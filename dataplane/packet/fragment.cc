#include "dataplane/packet/fragment.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/headers.h"

namespace isthmus {

namespace {

constexpr std::size_t kMaxHeader = 60;
constexpr std::size_t kMinMtu = 68;  // RFC 791 section 3.2: every link carries that much
// A piece fills no buffer to the end: seal appends padding and a tag.
constexpr std::size_t kMaxPiece = 2048 - BufferPool::kHeadroom - 64;

struct Header {
  std::uint8_t bytes[kMaxHeader];
  std::size_t length;
};

// The header of all pieces but the first: only options whose copy flag is set (RFC 791 section 3.1).
Header make_later_header(const std::uint8_t* first, std::size_t length) {
  constexpr std::uint8_t kEndOfOptions = 0;
  constexpr std::uint8_t kNoOperation = 1;
  constexpr std::uint8_t kCopied = 0x80;
  Header later{{}, sizeof(Ipv4Header)};
  std::memcpy(later.bytes, first, sizeof(Ipv4Header));
  for (std::size_t at = sizeof(Ipv4Header); at < length && first[at] != kEndOfOptions;) {
    if (first[at] == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 1 >= length || first[at + 1] < 2 || first[at + 1] > length - at) break;
    if (first[at] & kCopied) {
      std::memcpy(later.bytes + later.length, first + at, first[at + 1]);
      later.length += first[at + 1];
    }
    at += first[at + 1];
  }
  later.length = (later.length + 3) & ~std::size_t{3};  // padded with "end of options", which is zero
  later.bytes[0] = static_cast<std::uint8_t>(0x40 | later.length / 4);
  return later;
}

// Lengths, place and checksum of a piece whose header and data are in place.
void finish_piece(Packet& piece, std::size_t header_length, std::uint16_t fragment) {
  auto& ip = *piece.header<Ipv4Header>();
  ip.total_length = static_cast<std::uint16_t>(piece.length);
  ip.fragment = fragment;
  ip.checksum = ipv4_header_checksum(ip);
  piece.l4_offset = static_cast<std::uint8_t>(header_length);
  piece.is_fragment = true;
}

bool allocate_pieces(std::size_t count, PacketBurst& burst, BufferPool& pool) {
  const std::size_t before = burst.size();
  while (burst.size() < before + count) {
    if (burst.full() || !pool.allocate(burst.add())) {
      // The packet that got no buffer, if any, has nothing to release.
      for (Packet& piece : burst.all().subspan(before)) {
        if (piece.buffer) pool.release(piece);
      }
      burst.shrink(before);
      return false;
    }
  }
  return true;
}

// The packet's metadata around the buffer that `piece` already has.
void inherit(Packet& piece, const Packet& packet) {
  const Packet fresh = piece;
  piece = packet;
  piece.data = fresh.data;
  piece.buffer = fresh.buffer;
  piece.length = fresh.length;
  piece.headroom = fresh.headroom;
  piece.tailroom = fresh.tailroom;
  piece.has_l4 = false;
}

// What the first piece must hold at least, so that whoever parses it finds the L4 header whole.
std::size_t l4_header_length(const Packet& packet) {
  if (!packet.has_l4) return 0;
  if (IpProtocol{packet.protocol} != IpProtocol::kTcp) return sizeof(UdpHeader);
  return (packet.header<TcpHeader>(packet.l4_offset)->data_offset >> 4) * 4U;
}

}  // namespace

bool fragment_ipv4(Packet& packet, std::uint16_t mtu, PacketBurst& burst, BufferPool& pool) {
  assert(mtu >= kMinMtu && packet.length > mtu && !packet.dont_fragment);
  const std::size_t limit = std::min<std::size_t>(mtu, kMaxPiece);
  const std::size_t header_length = packet.l4_offset;
  const Header later = make_later_header(packet.data, header_length);
  // Every piece but the last carries a multiple of 8 bytes.
  const std::size_t first_step = (limit - header_length) & ~std::size_t{7};
  const std::size_t step = (limit - later.length) & ~std::size_t{7};
  const std::size_t data_length = packet.length - header_length;
  const std::uint16_t original = packet.header<Ipv4Header>()->fragment;

  // The last piece may use the bytes that are left below a multiple of 8.
  const std::size_t rest = data_length - first_step;
  const std::size_t last_limit = limit - later.length;
  const std::size_t count = rest <= last_limit ? 1 : 1 + (rest - last_limit + step - 1) / step;
  const std::size_t begin = burst.size();
  if (first_step < l4_header_length(packet) || !allocate_pieces(count, burst, pool)) return false;

  std::size_t at = first_step;
  for (std::size_t i = 0; i < count; ++i) {
    Packet& piece = burst[begin + i];
    const bool last = i + 1 == count;
    const std::size_t size = last ? data_length - at : step;
    inherit(piece, packet);
    piece.resize(later.length + size);
    std::memcpy(piece.data, later.bytes, later.length);
    std::memcpy(piece.data + later.length, packet.data + header_length + at, size);
    const std::uint16_t more = last ? original & Ipv4Header::kMoreFragments : Ipv4Header::kMoreFragments;
    finish_piece(piece, later.length,
                 static_cast<std::uint16_t>(more | ((original & Ipv4Header::kOffsetMask) + at / 8)));
    at += size;
  }
  packet.resize(header_length + first_step);
  finish_piece(packet, header_length, original | Ipv4Header::kMoreFragments);
  return true;
}

}  // namespace isthmus
