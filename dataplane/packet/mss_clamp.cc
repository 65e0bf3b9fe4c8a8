#include "dataplane/packet/mss_clamp.h"

#include <algorithm>
#include <cassert>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/headers.h"

namespace isthmus {

namespace {

// RFC 9293 section 3.2
constexpr std::uint8_t kEndOfOptions = 0;
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kMss = 2;
constexpr std::size_t kMssLength = 4;

// Where the value of the MSS option starts, from the TCP header; 0 when there is none or the list is malformed.
std::size_t find_mss(const std::uint8_t* tcp, std::size_t header_length) {
  std::size_t at = sizeof(TcpHeader);
  while (at < header_length && tcp[at] != kEndOfOptions) {
    if (tcp[at] == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 1 >= header_length || tcp[at + 1] < 2 || tcp[at + 1] > header_length - at) return 0;
    if (tcp[at] == kMss) return tcp[at + 1] == kMssLength ? at + 2 : 0;
    at += tcp[at + 1];
  }
  return 0;
}

}  // namespace

void clamp_mss(Packet& packet, std::uint16_t mtu) {
  constexpr std::uint16_t kHeaders = sizeof(Ipv4Header) + sizeof(TcpHeader);
  assert(mtu > kHeaders);
  if (!packet.has_l4 || IpProtocol{packet.protocol} != IpProtocol::kTcp) return;
  auto& tcp = *packet.header<TcpHeader>(packet.l4_offset);
  if (!(tcp.flags & TcpHeader::kSyn)) return;

  const std::size_t header_length =
      std::min<std::size_t>((tcp.data_offset >> 4) * 4U, packet.length - packet.l4_offset);
  const std::size_t at = find_mss(packet.data + packet.l4_offset, header_length);
  if (at == 0) return;
  auto& mss = *packet.header<Big16>(packet.l4_offset + at);
  const auto limit = static_cast<std::uint16_t>(mtu - kHeaders);
  if (mss <= limit) return;
  // At an odd distance the value's bytes belong to two words of the sum, in exchanged roles (RFC 1071 section 2 B).
  const std::uint16_t delta = at % 2 == 0 ? checksum_delta(mss, limit)
                                          : checksum_delta(reverse_bytes(std::uint16_t{mss}), reverse_bytes(limit));
  tcp.checksum = update_checksum(tcp.checksum, delta);
  mss = limit;
}

}  // namespace isthmus
