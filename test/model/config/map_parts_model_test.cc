// Random lists of maps, one inside the other, against the rule taken address by address: an address is its longest
// real's, unless that map excepts it or a longer view covers what that map would show it as.

#include "dataplane/config/map_parts.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "test/support/random.h"

namespace isthmus::config {
namespace {

using nat::PrefixMap;
using nat::Translation;

constexpr std::uint32_t kReals = 0x0af40000;  // 10.244.0.0/26
constexpr std::uint32_t kViews = 0x0a630000;  // 10.99.0.0/26
constexpr std::uint32_t kAddresses = 64;

std::vector<PrefixMap> random_maps(test::Random& random) {
  std::set<Ipv4Prefix> reals;
  std::set<Ipv4Prefix> views;
  std::vector<PrefixMap> maps;
  for (std::uint64_t i = random.between(1, 8); i > 0; --i) {
    const auto length = static_cast<std::uint8_t>(random.one_in(2) ? 32 : random.between(26, 32));
    const auto somewhere = [&] { return static_cast<std::uint32_t>(random.below(kAddresses)); };
    const Ipv4Prefix real = make_prefix({kReals + somewhere()}, length);
    const Ipv4Prefix view = make_prefix({kViews + somewhere()}, length);
    if (reals.insert(real).second && views.insert(view).second) maps.push_back(nat::make_prefix_map(real, view));
  }
  return maps;
}

std::vector<ExceptedRange> random_except(test::Random& random, const std::vector<PrefixMap>& maps) {
  std::vector<ExceptedRange> except;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    if (maps[i].real.length == 32 || random.one_in(2)) continue;
    const Ipv4Address inside{maps[i].real.network.value | (random.word() & ~maps[i].real.mask())};
    const auto length = static_cast<std::uint8_t>(random.between(maps[i].real.length, 32));
    except.push_back({i, make_prefix(inside, length)});
  }
  return except;
}

// What the address is seen as; none: it is nobody's, or hidden.
std::optional<Ipv4Address> slow_view(const std::vector<PrefixMap>& maps, const std::vector<ExceptedRange>& except,
                                     Ipv4Address real) {
  const PrefixMap* longest = nullptr;
  for (const PrefixMap& map : maps) {
    if (map.real.contains(real) && (longest == nullptr || map.real.length > longest->real.length)) longest = &map;
  }
  if (longest == nullptr) return std::nullopt;
  for (const ExceptedRange& range : except) {
    if (&maps[range.map] == longest && range.real.contains(real)) return std::nullopt;
  }
  const Ipv4Address view{longest->seen_as.network.value + (real.value - longest->real.network.value)};
  for (const PrefixMap& map : maps) {
    if (map.seen_as.length > longest->seen_as.length && map.seen_as.contains(view)) return std::nullopt;
  }
  return view;
}

TEST(MapPartsModel, TheLongestMatchWinsInBothFormsAndNoTwoAreSeenAsOne) {
  test::Random random;
  std::size_t hidden = 0;
  for (int round = 0; round < 5000; ++round) {
    const std::vector<PrefixMap> maps = random_maps(random);
    const std::vector<ExceptedRange> except = random_except(random, maps);
    const std::vector<MapPart> parts = parts_of(maps, except);
    std::map<Ipv4Address, Ipv4Address> seen;  // view -> real
    for (std::uint32_t i = 0; i < kAddresses; ++i) {
      const Ipv4Address real{kReals + i};
      std::optional<Ipv4Address> view;
      for (const MapPart& part : parts) {
        if (!part.map.real.contains(real)) continue;
        ASSERT_FALSE(view) << to_string(real) << " is in two parts";
        view = part.map.translate(real, Translation::kRealToSeenAs);
        ASSERT_EQ(part.map.translate(*view, Translation::kSeenAsToReal), real);
        ASSERT_EQ(*view, maps[part.line].translate(real, Translation::kRealToSeenAs));
        ASSERT_TRUE(seen.emplace(*view, real).second) << to_string(*view) << " is two addresses";
      }
      ASSERT_EQ(view, slow_view(maps, except, real)) << to_string(real);
      for (const PrefixMap& map : maps) hidden += !view && map.real.contains(real) ? 1 : 0;
    }
  }
  EXPECT_GT(hidden, 1000U);
}

}  // namespace
}  // namespace isthmus::config
