// A frame from the wire through everything that reads it before anybody has vouched for it.

#include <cstdlib>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/fragment.h"
#include "dataplane/packet/icmp_error.h"
#include "dataplane/packet/mss_clamp.h"
#include "dataplane/packet/parse.h"
#include "test/support/packet_builder.h"

using namespace isthmus;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Mutations seldom hit a right header checksum: what dies of it alone gets one and another chance.
bool parse(Packet& packet) {
  if (!parse_ethernet(packet)) return false;
  if (parse_ipv4(packet)) return true;
  if (packet.drop != DropReason::kIpChecksumWrong) return false;
  packet.drop = DropReason::kNone;
  auto& ip = *packet.header<Ipv4Header>();
  ip.checksum = ipv4_header_checksum(ip);
  return parse_ipv4(packet);
}

void require_parses(const Packet& packet) {
  test::BuiltPacket copy(test::bytes_of(packet), 0, 0);
  require(parse_ipv4(copy.packet()));
  require(copy.packet().length == packet.length && copy.packet().has_l4 == packet.has_l4);
}

void cut(const Packet& packet) {
  static PacketBurst burst;
  static test::HeapPool pool;
  burst.clear();
  burst.add() = packet;
  if (fragment_ipv4(burst[0], 100, burst, pool)) {
    for (Packet& piece : burst.all()) {
      require_parses(piece);
      if (piece.buffer) pool.release(piece);
    }
  }
  require(pool.outstanding() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0xffff) return 0;
  test::BuiltPacket built({data, size}, 28, 0);
  Packet& packet = built.packet();
  const bool passed = parse(packet);
  require(passed == packet.walks());
  if (!passed) return 0;

  finish_l4_checksum(packet);
  clamp_mss(packet, 1280);
  require_parses(packet);
  if (packet.length > 100 && !packet.dont_fragment) {
    test::BuiltPacket copy(built.bytes(), 0, 0);
    require(parse_ipv4(copy.packet()));
    cut(copy.packet());
  }
  if (deserves_icmp_error(packet)) {
    make_icmp_error(packet, IcmpErrorKind::kFragmentationNeeded, Ipv4Address{0x0a000001}, 1280);
    require_parses(packet);
    require(packet.length <= 576);
  }
  return 0;
}
