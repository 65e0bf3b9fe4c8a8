#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/route/prefix_table.h"
#include "test/support/random.h"

namespace isthmus::route {
namespace {

using test::Random;
using Entry = PrefixTable::Entry;

// Asks every prefix, one after the other.
class SlowFib {
 public:
  explicit SlowFib(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  std::uint32_t lookup(Ipv4Address address) const {
    int longest = -1;
    std::uint32_t value = PrefixTable::kMissing;
    for (const Entry& entry : entries_) {
      const unsigned length = entry.prefix.length;
      const bool inside =
          length == 0 || (address.value >> (32 - length)) == (entry.prefix.network.value >> (32 - length));
      if (inside && static_cast<int>(length) >= longest) {
        longest = static_cast<int>(length);
        value = entry.value;
      }
    }
    return value;
  }

 private:
  std::vector<Entry> entries_;
};

// Few different leading bytes, so that prefixes nest, repeat and touch.
std::vector<Entry> random_entries(Random& random) {
  std::vector<Entry> entries(random.below(60));
  for (Entry& entry : entries) {
    const std::uint32_t address = static_cast<std::uint32_t>(random.below(3) << 24 | random.below(3) << 16 |
                                                             random.below(3) << 8 | random.below(256));
    entry.prefix =
        make_prefix({random.one_in(10) ? random.word() : address}, static_cast<std::uint8_t>(random.below(33)));
    entry.value = static_cast<std::uint32_t>(random.below(1000));
  }
  return entries;
}

TEST(PrefixTableModel, EqualsAskingEveryPrefix) {
  Random random;
  for (int round = 0; round < 2000; ++round) {
    const std::vector<Entry> entries = random_entries(random);
    const PrefixTable table(entries);
    const SlowFib slow(entries);
    std::vector<std::uint32_t> addresses{0, 0xffffffff};
    for (const Entry& entry : entries) {
      const std::uint32_t first = entry.prefix.network.value;
      const std::uint32_t last = first | ~entry.prefix.mask();
      addresses.insert(addresses.end(), {first - 1, first, last, last + 1});
    }
    for (int i = 0; i < 50; ++i) addresses.push_back(random.word());
    for (const std::uint32_t address : addresses) {
      ASSERT_EQ(table.lookup({address}), slow.lookup({address})) << to_string(Ipv4Address{address});
    }
  }
}

TEST(PrefixTableModel, DependsOnTheSetAlone) {
  Random random;
  for (int round = 0; round < 500; ++round) {
    std::vector<Entry> entries = random_entries(random);
    // Of equal prefixes the order counts: leave one of each.
    std::ranges::sort(entries);
    entries.erase(std::unique(entries.begin(), entries.end(),
                              [](const Entry& a, const Entry& b) { return a.prefix == b.prefix; }),
                  entries.end());
    const PrefixTable table(entries);
    std::shuffle(entries.begin(), entries.end(), random.engine());
    ASSERT_EQ(PrefixTable(entries), table);
  }
}

}  // namespace
}  // namespace isthmus::route
