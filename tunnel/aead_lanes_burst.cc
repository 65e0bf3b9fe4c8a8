#include "tunnel/aead_lanes_burst.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace isthmus::tunnel {
namespace {

// Messages of 255 blocks and more share the first bucket: the order is a matter of speed only.
constexpr std::size_t kBuckets = 256;

std::size_t bucket_of(const AeadJob& job) {
  const std::size_t blocks = (std::size_t{job.length} + 63) / 64;
  return kBuckets - 1 - std::min(blocks, kBuckets - 1);
}

}  // namespace

void LanesBurst::set(std::size_t at, AeadJob& from) {
  counter_low[at] = static_cast<std::uint32_t>(from.counter);
  counter_high[at] = static_cast<std::uint32_t>(from.counter >> 32);
  length[at] = from.length;
  data[at] = from.data;
  key[at] = from.key->bytes.data();
  job[at] = &from;
}

// A counting sort. A burst of equal lengths, which is the common one, needs none.
void LanesBurst::load(std::span<AeadJob> jobs) {
  assert(jobs.size() <= kCapacity);
  count = jobs.size();
  std::uint32_t differing = 0;
  for (AeadJob& each : jobs) {
    differing |= each.length ^ jobs.front().length;
    __builtin_prefetch(each.data);
  }
  if (differing == 0) {
    for (std::size_t i = 0; i < count; ++i) set(i, jobs[i]);
    return;
  }
  std::array<std::uint8_t, kBuckets> next{};
  for (const AeadJob& each : jobs) ++next[bucket_of(each)];
  std::uint8_t before = 0;
  for (std::uint8_t& place : next) {
    const std::uint8_t size = place;
    place = before;
    before = static_cast<std::uint8_t>(before + size);
  }
  for (AeadJob& each : jobs) set(next[bucket_of(each)]++, each);
}

void LanesBurst::keep_authentic() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (job[i]->authentic) set(kept++, *job[i]);
  }
  count = kept;
}

}  // namespace isthmus::tunnel
