#include "dataplane/config/map_parts.h"

#include <map>
#include <set>

namespace isthmus::config {
namespace {

using nat::PrefixMap;
using nat::Translation;

void add_remainder(Ipv4Prefix whole, const std::vector<Ipv4Prefix>& holes, std::vector<Ipv4Prefix>& parts) {
  std::vector<Ipv4Prefix> inside;
  for (const Ipv4Prefix hole : holes) {
    if (!hole.overlaps(whole)) continue;
    if (hole.length <= whole.length) return;
    inside.push_back(hole);
  }
  if (inside.empty()) return parts.push_back(whole);
  const auto half = static_cast<std::uint8_t>(whole.length + 1);
  add_remainder({whole.network, half}, inside, parts);
  add_remainder({{whole.network.value | (1U << (32 - half))}, half}, inside, parts);
}

PrefixMap part_of(const PrefixMap& map, Ipv4Prefix real) {
  return nat::make_prefix_map(real, {map.translate(real.network, Translation::kRealToSeenAs), real.length});
}

// For each map, in its real form, what it leaves to longer ones, and out.
class Holes {
 public:
  Holes(const std::vector<PrefixMap>& maps, const std::vector<ExceptedRange>& except)
      : maps_(maps), holes_(maps.size()) {
    for (const PrefixMap& map : maps) lengths_.insert(map.real.length);
    if (lengths_.size() > 1) cut_all();
    for (const ExceptedRange& range : except) holes_[range.map].push_back(range.real);
  }

  const std::vector<Ipv4Prefix>& of(std::size_t map) const { return holes_[map]; }

 private:
  void cut_all() {
    for (std::size_t i = 0; i < maps_.size(); ++i) {
      by_real_.emplace(maps_[i].real, i);
      by_seen_as_.emplace(maps_[i].seen_as, i);
    }
    for (const PrefixMap& map : maps_) cut(map);
  }

  // Only lengths that some map has are asked for: most lists have one or two.
  void cut(const PrefixMap& longer) {
    const std::uint8_t length = longer.real.length;
    for (auto shorter = lengths_.begin(); *shorter < length; ++shorter) {
      const auto around_real = by_real_.find(make_prefix(longer.real.network, *shorter));
      if (around_real != by_real_.end()) holes_[around_real->second].push_back(longer.real);
      const auto around_view = by_seen_as_.find(make_prefix(longer.seen_as.network, *shorter));
      if (around_view == by_seen_as_.end()) continue;
      const PrefixMap& wide = maps_[around_view->second];
      holes_[around_view->second].push_back(
          {wide.translate(longer.seen_as.network, Translation::kSeenAsToReal), length});
    }
  }

  const std::vector<PrefixMap>& maps_;
  std::map<Ipv4Prefix, std::size_t> by_real_;
  std::map<Ipv4Prefix, std::size_t> by_seen_as_;
  std::set<std::uint8_t> lengths_;
  std::vector<std::vector<Ipv4Prefix>> holes_;
};

}  // namespace

std::vector<MapPart> parts_of(const std::vector<PrefixMap>& maps, const std::vector<ExceptedRange>& except) {
  const Holes holes(maps, except);
  std::vector<MapPart> parts;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    for (const Ipv4Prefix real : remainder(maps[i].real, holes.of(i))) parts.push_back({part_of(maps[i], real), i});
  }
  return parts;
}

std::vector<Ipv4Prefix> remainder(Ipv4Prefix whole, const std::vector<Ipv4Prefix>& holes) {
  std::vector<Ipv4Prefix> parts;
  add_remainder(whole, holes, parts);
  return parts;
}

}  // namespace isthmus::config
