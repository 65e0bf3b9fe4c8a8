#include "dataplane/packet/checksum.h"

#include <bit>
#include <cstring>

namespace isthmus {

namespace {

std::uint64_t load(const std::uint8_t* data, std::size_t length = sizeof(std::uint64_t)) {
  std::uint64_t value = 0;
  std::memcpy(&value, data, length);
  return value;
}

// One's complement addition: the carry comes back in at the other end.
std::uint64_t add(std::uint64_t sum, std::uint64_t value) {
  sum += value;
  return sum + (sum < value);
}

}  // namespace

// The words are added as the machine loads them and the result is swapped once: the sum does not depend on byte order
// (RFC 1071 section 2 B). Four sums, because each addition waits for the one before it.
std::uint64_t sum_bytes(const std::uint8_t* data, std::size_t length) {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::uint64_t third = 0;
  std::uint64_t fourth = 0;
  for (; length >= 32; data += 32, length -= 32) {
    first = add(first, load(data));
    second = add(second, load(data + 8));
    third = add(third, load(data + 16));
    fourth = add(fourth, load(data + 24));
  }
  std::uint64_t sum = add(add(first, second), add(third, fourth));
  for (; length >= 8; data += 8, length -= 8) sum = add(sum, load(data));
  if (length > 0) sum = add(sum, load(data, length));
  const std::uint16_t folded = fold(sum);
  return std::endian::native == std::endian::big ? folded : reverse_bytes(folded);
}

std::uint16_t ipv4_header_checksum(const Ipv4Header& header) {
  const std::uint64_t sum = sum_bytes(reinterpret_cast<const std::uint8_t*>(&header), header.header_length());
  const std::uint16_t own = header.checksum;
  return static_cast<std::uint16_t>(~fold(sum + (0xffffU - own)));
}

}  // namespace isthmus
