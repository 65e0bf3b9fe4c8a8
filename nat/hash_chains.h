#pragma once
// A hash index over the places of an array that somebody else keeps. Sized once; insertion never fails.

#include <bit>
#include <cstdint>
#include <vector>

namespace isthmus::nat {

class HashChains {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  explicit HashChains(std::uint32_t places) : heads_(std::bit_ceil(std::size_t{places} * 2), kNone), next_(places) {}

  // The first place with that hash for which `matches(place)`.
  template <typename Matches>
  std::uint32_t find(std::uint64_t hash, Matches&& matches) const {
    std::uint32_t place = heads_[bucket(hash)];
    while (place != kNone && !matches(place)) place = next_[place];
    return place;
  }
  void insert(std::uint64_t hash, std::uint32_t place) {
    next_[place] = heads_[bucket(hash)];
    heads_[bucket(hash)] = place;
  }
  // `place` is in here, with that hash.
  void remove(std::uint64_t hash, std::uint32_t place) {
    std::uint32_t* link = &heads_[bucket(hash)];
    while (*link != place) link = &next_[*link];
    *link = next_[place];
  }

 private:
  std::size_t bucket(std::uint64_t hash) const { return hash & (heads_.size() - 1); }

  std::vector<std::uint32_t> heads_;
  std::vector<std::uint32_t> next_;
};

}  // namespace isthmus::nat
