// An IPv4 packet through NAT: the first ten bytes choose the maps, the rest is the packet. What the packet's own
// addresses become and that its header checksum stays right is compared with the slow twin.

#include <cstdlib>

#include "dataplane/packet/checksum.h"
#include "nat/rewrite.h"
#include "test/model/nat/slow_nat.h"

using namespace isthmus;

namespace {

// A map that translates `address` from its real form, or to it.
nat::PrefixMap map_for(std::uint32_t address, nat::Translation translation, const std::uint8_t* choice) {
  const auto length = static_cast<std::uint8_t>(choice[0] % 33);
  const Ipv4Prefix from = make_prefix({address}, length);
  const Ipv4Prefix to = make_prefix({*reinterpret_cast<const Big32*>(choice + 1)}, length);
  return translation == nat::Translation::kRealToSeenAs ? nat::make_prefix_map(from, to)
                                                        : nat::make_prefix_map(to, from);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kChoice = 10;
  if (size < kChoice || size > 0xffff) return 0;
  test::BuiltPacket built({data + kChoice, size - kChoice}, 0, 0);
  Packet& packet = built.packet();
  // Mutations seldom hit a right header checksum: they get one.
  if (packet.length >= 60) packet.header<Ipv4Header>()->checksum = ipv4_header_checksum(*packet.header<Ipv4Header>());
  if (!parse_ipv4(packet)) return 0;

  const test::Bytes before = built.bytes();
  const nat::PrefixMap source_map = map_for(test::slow_word(before, 12), nat::kSourceTranslation, data);
  const nat::PrefixMap destination_map = map_for(test::slow_word(before, 16), nat::kDestinationTranslation, data + 5);
  packet.source_map = &source_map;
  packet.destination_map = &destination_map;
  nat::rewrite(packet);

  test::Bytes expected = before;
  test::put_slow_word(
      expected, 12,
      test::slow_translate(test::slow_word(before, 12), source_map.seen_as.network.value, source_map.real.length));
  test::put_slow_word(expected, 16,
                      test::slow_translate(test::slow_word(before, 16), destination_map.real.network.value,
                                           destination_map.real.length));
  test::put_slow_half(expected, 10, 0);
  test::put_slow_half(expected, 10, test::slow_checksum(std::span(expected).first(packet.l4_offset)));
  const test::Bytes after = built.bytes();
  if (after.size() != before.size()) std::abort();
  if (!std::equal(after.begin(), after.begin() + packet.l4_offset, expected.begin())) std::abort();

  // An ICMP checksum that was right stays right, whatever was quoted.
  if (packet.protocol == 1 && !packet.is_fragment) {
    const auto sum = [&](const test::Bytes& bytes) {
      return test::slow_checksum(std::span(bytes).subspan(packet.l4_offset));
    };
    if (sum(before) == 0 && sum(after) != 0) std::abort();
  }
  return 0;
}
