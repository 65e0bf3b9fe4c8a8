#pragma once
// A burst as columns, longest message first: neighbours in lanes then have about equally much to do.

#include <cstddef>
#include <cstdint>
#include <span>

#include "tunnel/aead.h"

namespace isthmus::tunnel {

struct LanesBurst {
  static constexpr std::size_t kCapacity = 64;
  // Columns are read and written a whole pass of lanes at a time, also behind the last message.
  static constexpr std::size_t kRoom = kCapacity + 32;

  // At most kCapacity jobs.
  void load(std::span<AeadJob> jobs);
  // Forgets the messages whose tag was wrong and keeps the order of the others.
  void keep_authentic();

  std::size_t count = 0;
  alignas(64) std::uint32_t counter_low[kRoom];
  alignas(64) std::uint32_t counter_high[kRoom];
  alignas(64) std::uint32_t length[kRoom];
  alignas(64) std::uint8_t* data[kRoom];
  alignas(64) const std::uint8_t* key[kRoom];
  alignas(64) AeadJob* job[kRoom];

 private:
  void set(std::size_t at, AeadJob& job);
};

}  // namespace isthmus::tunnel
