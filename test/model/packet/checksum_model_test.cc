#include <gtest/gtest.h>

#include "dataplane/packet/checksum.h"
#include "test/support/random.h"
#include "test/support/slow_checksum.h"

namespace isthmus {
namespace {

using test::Random;

// Mostly extremes: carries and the two zeros hide in ordinary numbers.
std::vector<std::uint8_t> extreme_bytes(Random& random, std::size_t size) {
  std::vector<std::uint8_t> bytes = random.bytes(size);
  const std::uint64_t kind = random.below(4);
  for (std::uint8_t& byte : bytes) {
    if (kind == 0) byte = 0;
    if (kind == 1 || (kind == 2 && random.one_in(2))) byte = 0xff;
  }
  return bytes;
}

TEST(ChecksumModel, SumOfBytesAtEveryLengthAndPlace) {
  Random random;
  for (int round = 0; round < 20000; ++round) {
    const std::size_t place = random.below(16);
    const std::size_t length = round < 300 ? static_cast<std::size_t>(round) : random.below(2000);
    const auto bytes = extreme_bytes(random, place + length);
    const std::uint16_t fast = fold(sum_bytes(bytes.data() + place, length));
    const std::uint16_t slow = test::slow_checksum(std::span(bytes).subspan(place));
    ASSERT_EQ(static_cast<std::uint16_t>(~fast), slow) << "length " << length << " place " << place;
  }
}

// A word in the middle changes: the update says what a new computation says. The first byte is never zero, as in every
// header that has a checksum.
TEST(ChecksumModel, UpdateIsRecomputation) {
  Random random;
  for (int round = 0; round < 100000; ++round) {
    auto bytes = extreme_bytes(random, 4 + 4 * random.below(20));
    bytes[0] |= 1;
    const std::size_t at = bytes.size() == 4 ? 0 : 4 * random.between(1, bytes.size() / 4 - 1);
    const std::uint16_t before = test::slow_checksum(bytes);
    auto& word = *reinterpret_cast<Big32*>(&bytes[at]);
    const std::uint32_t from = word;
    std::uint32_t to = random.one_in(3) ? from : random.word();
    if (random.one_in(8)) to = 0xffffffff;
    if (random.one_in(8)) to = from ^ 0x0000ffff;
    if (at == 0) to |= 0x01000000;
    word = to;
    ASSERT_EQ(update_checksum(before, checksum_delta(from, to)), test::slow_checksum(bytes))
        << std::hex << from << " " << to;
  }
}

TEST(ChecksumModel, EveryChecksumAndBack) {
  Random random;
  const std::uint32_t from = random.word();
  const std::uint32_t to = random.word();
  // 0xffff would say that all words are zero, which no header's are.
  for (unsigned checksum = 0; checksum < 0xffff; ++checksum) {
    const std::uint16_t there = update_checksum(static_cast<std::uint16_t>(checksum), checksum_delta(from, to));
    ASSERT_EQ(update_checksum(there, checksum_delta(to, from)), checksum);
  }
}

}  // namespace
}  // namespace isthmus
