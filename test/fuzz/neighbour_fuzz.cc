// A neighbour message from the wire; what is understood is answered, and the answer is understood.

#include <cstdlib>

#include "dataplane/packet/neighbour_messages.h"
#include "test/support/packet_builder.h"

using namespace isthmus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0xffff) return 0;
  const test::BuiltPacket built({data, size}, 0, 0);
  const auto message = parse_neighbour_message(built.packet());
  if (!message || !message->is_request) return 0;
  if (message->target == IpAddress{Ipv6Address{}}) return 0;  // nobody has it, so nobody answers

  test::BuiltPacket answer(test::Bytes{}, 0, 128);
  write_neighbour_reply(answer.packet(), MacAddress{{2}}, message->target, message->sender_mac, message->sender);
  const auto understood = parse_neighbour_message(answer.packet());
  if (!understood || understood->is_request || understood->target != message->target) std::abort();
  return 0;
}
