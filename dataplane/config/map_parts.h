#pragma once
// What the maps of one list mean together. Prefixes in a list may lie inside each other, and then the longest match
// wins, in both forms:
//   - An address that a longer real contains is not the wider map's: what the wider map would show it as reaches
//   nobody.
//   - An address that a longer seenAs contains is not in the wider map's view: whom the wider map would have shown
//   there
//     is not shown at all.
// So no two real addresses are seen as one, and no address is seen as two. An address of which the longest map is
// hidden is no other map's either.

#include <cstddef>
#include <vector>

#include "nat/prefix_map.h"

namespace isthmus::config {

// What one map of a list leaves out, in its real form. It is not mapped: nobody sends from there or reaches it, unless
// another map of the list has it.
struct ExceptedRange {
  std::size_t map = 0;
  Ipv4Prefix real;
  auto operator<=>(const ExceptedRange&) const = default;
};

struct MapPart {
  nat::PrefixMap map;
  std::size_t line = 0;  // the map in the list that it is a part of
};

// The maps cut into parts that do not overlap, in the list's order: for every address at most one, the right one. No
// two maps of the list have equal reals or equal views.
std::vector<MapPart> parts_of(const std::vector<nat::PrefixMap>& maps, const std::vector<ExceptedRange>& except = {});

// The parts of `whole` that no hole covers, as prefixes, in order.
std::vector<Ipv4Prefix> remainder(Ipv4Prefix whole, const std::vector<Ipv4Prefix>& holes);

}  // namespace isthmus::config
