#pragma once
// Which messages of a burst share a Poly1305 computation, how long messages are cut when they are few or uneven, and
// what becomes of the tags.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tunnel/aead_lanes_mac.h"

namespace isthmus::tunnel {

// Writes the tags of sealed messages, or compares those of messages to be opened.
template <bool kOpens>
inline void put_tags(const LanesBurst& burst, std::size_t base, std::size_t count, const std::uint64_t* low,
                     const std::uint64_t* high) {
  for (std::size_t i = 0; i < count; ++i) {
    std::uint8_t* const tag = burst.data[base + i] + burst.length[base + i];
    if constexpr (kOpens) {
      std::uint64_t given[2];
      std::memcpy(given, tag, sizeof(given));
      burst.job[base + i]->authentic = ((given[0] ^ low[i]) | (given[1] ^ high[i])) == 0;
    } else {
      std::memcpy(tag, low + i, 8);
      std::memcpy(tag + 8, high + i, 8);
    }
  }
}

template <class Isa, bool kOpens>
class Tags {
 public:
  Tags(const LanesBurst& burst, const MacKeys<Isa>& keys) : burst_(burst), keys_(keys) {}

  void run() const {
    for (std::size_t base = 0; base < burst_.count;) base += take(base);
  }

 private:
  static constexpr std::size_t kLanes = Isa::Poly::kLanes;
  // Up to this length the third and the fourth power of r cost more than the carries that they save.
  static constexpr std::size_t kShort = 3 * kPolyChunk;
  // What the set-up of a group and the joining of parts cost, in steps of one chunk (measured).
  static constexpr std::int64_t kGroupCost = 3;
  static constexpr std::int64_t kJoinCost = 5;

  std::int64_t chunks(std::size_t i) const { return (std::int64_t{burst_.length[i]} + 63) / 64; }

  std::int64_t whole_blocks(std::size_t i) const { return (std::int64_t{burst_.length[i]} + 15) / 16 * 16; }

  // Works on messages from `base` on and says on how many.
  std::size_t take(std::size_t base) const {
    const std::size_t left = burst_.count - base;
    if (burst_.length[base] <= kShort) {
      constexpr std::size_t kGroups = Isa::kShortGroups;
      return left > kLanes ? together<kGroups, 2>(base, std::min(left, kGroups * kLanes)) : together<1, 2>(base, left);
    }
    const std::size_t count = long_group(base, std::min(left, kLanes));
    const std::int64_t longest = longest_of(base, count);
    const std::int64_t share = smallest_share(base, count);
    if (longest - share < kJoinCost) return together<1, 4>(base, count);
    cut_up(base, count, share);
    return count;
  }

  // Long messages that come with much shorter ones are better off alone in all lanes.
  std::size_t long_group(std::size_t base, std::size_t count) const {
    const std::int64_t first = chunks(base);
    std::size_t alone = 1;
    while (alone < count && chunks(base + alone) * 3 >= first) ++alone;
    if (alone == count) return count;
    const std::int64_t together = std::min(longest_of(base, count), smallest_share(base, count) + kJoinCost);
    const std::int64_t apart =
        smallest_share(base, alone) + kJoinCost + longest_of(base + alone, count - alone) + kGroupCost;
    return together > apart ? alone : count;
  }

  std::int64_t longest_of(std::size_t base, std::size_t count) const {
    std::int64_t longest = 0;
    for (std::size_t i = 0; i < count; ++i) longest = std::max(longest, chunks(base + i));
    return longest;
  }

  // The fewest chunks a lane with which the messages fit into all lanes.
  std::int64_t smallest_share(std::size_t base, std::size_t count) const {
    std::int64_t total = 0;
    for (std::size_t i = 0; i < count; ++i) total += chunks(base + i);
    constexpr auto kAll = static_cast<std::int64_t>(kLanes);
    for (std::int64_t share = std::max<std::int64_t>(1, (total + kAll - 1) / kAll);; ++share) {
      std::int64_t used = 0;
      for (std::size_t i = 0; i < count; ++i) used += std::max<std::int64_t>(1, (chunks(base + i) + share - 1) / share);
      if (used <= kAll) return share;
    }
  }

  // A lane a message.
  template <std::size_t kGroups, std::size_t kPowers>
  std::size_t together(std::size_t base, std::size_t count) const {
    MacRows<Isa, kGroups> rows;
    alignas(64) std::uint64_t length[kGroups * kLanes];
    for (std::size_t lane = 0; lane < kGroups * kLanes; ++lane) {
      const std::size_t i = base + (lane < count ? lane : 0);  // an idle lane repeats the first
      length[lane] = burst_.length[i];
      const std::int64_t bytes = whole_blocks(i);
      rows.set(lane, burst_.data[i] + bytes, bytes, bytes - burst_.length[i]);
    }
    MacSums<Isa, kGroups, kPowers> sums;
    sums.begin(keys_.r_low + base, keys_.r_high + base);
    sums.absorb(rows, longest_of(base, count));
    sums.absorb_length(length);
    put<kGroups>(sums, base, count);
    return count;
  }

  // Several lanes a message, each with `share` chunks of it but for the one with its beginning.
  void cut_up(std::size_t base, std::size_t count, std::int64_t share) const {
    MacRows<Isa, 1> rows;
    std::uint8_t message[kLanes] = {}, part[kLanes] = {};
    alignas(64) std::uint64_t r_low[kLanes], r_high[kLanes], length[kLanes] = {};
    std::size_t i = 0, used = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::size_t at = base + message[lane];
      r_low[lane] = keys_.r_low[at];
      r_high[lane] = keys_.r_high[at];
      const std::int64_t bytes = whole_blocks(at) - 64 * share * part[lane];
      const std::int64_t padding = part[lane] == 0 ? whole_blocks(at) - burst_.length[at] : 0;
      rows.set(lane, burst_.data[at] + bytes, bytes, padding);
      if (i == count) continue;  // an idle lane repeats the first
      length[i] = burst_.length[at];
      used = lane + 1;
      if (used == kLanes) break;
      const bool more = bytes > 64 * share;
      if (!more) ++i;
      if (i < count) message[used] = static_cast<std::uint8_t>(i);
      part[used] = static_cast<std::uint8_t>(more ? part[lane] + 1 : 0);
    }
    MacSums<Isa, 1, 4> sums;
    sums.begin(r_low, r_high);
    sums.absorb(rows, share);
    sums.join(share, used, message, part);
    sums.change_r(keys_.r_low + base, keys_.r_high + base);
    sums.absorb_length(length);
    put<1>(sums, base, count);
  }

  template <std::size_t kGroups, class Sums>
  void put(const Sums& sums, std::size_t base, std::size_t count) const {
    alignas(64) std::uint64_t low[kGroups * kLanes], high[kGroups * kLanes];
    sums.finish(keys_.s_low + base, keys_.s_high + base, low, high);
    put_tags<kOpens>(burst_, base, count, low, high);
  }

  const LanesBurst& burst_;
  const MacKeys<Isa>& keys_;
};

}  // namespace isthmus::tunnel
