#pragma once
// Which block of which message goes into which lane of a pass: first the block 0 of every message, whose key stream is
// the one-time key (RFC 8439 section 2.6), then the blocks 1, 2, ... that the text is combined with (section 2.4),
// message after message. A template of the instruction set, so that each has its own copy in its own instructions.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "tunnel/aead_lanes_burst.h"

namespace isthmus::tunnel {

inline constexpr std::size_t kChachaBlock = 64;

// What the lanes of one pass work on. Columns have twice the room, because a run is written as if it filled a pass.
template <class Isa>
struct Lanes {
  static constexpr std::size_t kCount = 2 * Isa::kHalf;

  alignas(64) std::uint32_t block[2 * kCount];
  alignas(64) std::uint32_t counter_low[2 * kCount];
  alignas(64) std::uint32_t counter_high[2 * kCount];
  const std::uint8_t* key[2 * kCount];
  std::uint8_t* row[2 * kCount];  // 64 bytes of text; none in lanes for one-time keys and in idle ones
  std::size_t used = 0;
  std::size_t one_time_keys = 0;  // the first lanes

  // A row of fewer than 64 bytes is worked on in a slot, so that nobody touches what lies behind the message.
  struct Ragged {
    std::uint8_t* text;
    std::uint8_t* slot;
    std::size_t bytes;
  };
  Ragged ragged[kCount];
  std::size_t ragged_count = 0;
  alignas(64) std::uint8_t slot[kCount][kChachaBlock];

  bool has_text() const { return used > one_time_keys; }

  void set_ragged(std::size_t lane, std::size_t bytes) {
    ragged[ragged_count++] = {row[lane], slot[lane], bytes};
    row[lane] = slot[lane];
  }
  void copy_ragged_in() {
    for (std::size_t i = 0; i < ragged_count; ++i) Isa::load_part(ragged[i].slot, 0, ragged[i].text, ragged[i].bytes);
  }
  void copy_ragged_out() {
    for (std::size_t i = 0; i < ragged_count; ++i) {
      Isa::store_part(ragged[i].text, ragged[i].slot, ragged[i].bytes);
      Isa::wipe(ragged[i].slot, kChachaBlock);
    }
  }
};

// Walks the blocks of a burst.
template <class Isa>
class Packing {
 public:
  using Columns = Lanes<Isa>;

  explicit Packing(const LanesBurst& burst) : burst_(burst) {}

  bool keys_left() const { return next_key_ < burst_.count; }
  std::size_t next_key() const { return next_key_; }
  void skip_keys() { next_key_ = burst_.count; }

  // Gives the lanes of the next pass their blocks; leaves them all idle when none are left.
  void fill(Columns& lanes) {
    lanes.used = lanes.one_time_keys = lanes.ragged_count = 0;
    if (keys_left()) add_one_time_keys(lanes);
    while (lanes.used < Columns::kCount && message_ < burst_.count) {
      if (burst_.length[message_] <= kChachaBlock) {
        add_single_blocks(lanes);
      } else {
        add_run(lanes);
      }
    }
    if (lanes.used != 0) idle_rest(lanes);
  }

 private:
  // The columns of consecutive messages; what of them exceeds the pass is overwritten or lies in the spare room.
  void copy_columns(Columns& lanes, std::size_t from, std::uint32_t block) const {
    const std::size_t at = lanes.used;
    for (std::size_t i = 0; i < Columns::kCount; ++i) lanes.block[at + i] = block;
    std::memcpy(lanes.counter_low + at, burst_.counter_low + from, sizeof(lanes.counter_low) / 2);
    std::memcpy(lanes.counter_high + at, burst_.counter_high + from, sizeof(lanes.counter_high) / 2);
    std::memcpy(lanes.key + at, burst_.key + from, sizeof(lanes.key) / 2);
  }

  void add_one_time_keys(Columns& lanes) {
    copy_columns(lanes, next_key_, 0);
    lanes.one_time_keys = lanes.used = std::min(Columns::kCount, burst_.count - next_key_);
    next_key_ += lanes.used;
    std::fill_n(lanes.row, Columns::kCount, nullptr);
  }

  // From the first message of one block on, all have one or, being empty, none: the longest come first.
  void add_single_blocks(Columns& lanes) {
    const std::size_t most = std::min(Columns::kCount - lanes.used, burst_.count - message_);
    copy_columns(lanes, message_, 1);
    std::memcpy(lanes.row + lanes.used, burst_.data + message_, sizeof(lanes.row) / 2);
    std::size_t added = 0;
    for (; added < most && burst_.length[message_ + added] != 0; ++added) {
      const std::uint32_t bytes = burst_.length[message_ + added];
      if (bytes < kChachaBlock) lanes.set_ragged(lanes.used + added, bytes);
    }
    lanes.used += added;
    message_ = added < most ? burst_.count : message_ + added;
  }

  // Consecutive blocks of one message.
  void add_run(Columns& lanes) {
    const std::size_t at = lanes.used;
    const std::size_t left = burst_.length[message_] - offset_;
    const std::size_t blocks = std::min((left + kChachaBlock - 1) / kChachaBlock, Columns::kCount - at);
    const std::uint32_t first = static_cast<std::uint32_t>(offset_ / kChachaBlock + 1);
    std::uint8_t* const text = burst_.data[message_] + offset_;
    for (std::uint32_t i = 0; i < Columns::kCount; ++i) lanes.block[at + i] = first + i;
    for (std::size_t i = 0; i < Columns::kCount; ++i) lanes.row[at + i] = text + kChachaBlock * i;
    std::fill_n(lanes.counter_low + at, Columns::kCount, burst_.counter_low[message_]);
    std::fill_n(lanes.counter_high + at, Columns::kCount, burst_.counter_high[message_]);
    std::fill_n(lanes.key + at, Columns::kCount, burst_.key[message_]);
    lanes.used += blocks;
    offset_ += kChachaBlock * blocks;
    if (kChachaBlock * blocks > left) lanes.set_ragged(lanes.used - 1, left % kChachaBlock);
    if (kChachaBlock * blocks >= left) {
      ++message_;
      offset_ = 0;
    }
  }

  // Lanes without a block compute what nobody reads, with a key that is there.
  void idle_rest(Columns& lanes) const {
    const std::uint8_t* const any = lanes.key[lanes.used - 1];
    for (std::size_t lane = lanes.used; lane < Columns::kCount; ++lane) {
      lanes.key[lane] = any;
      lanes.row[lane] = nullptr;
    }
  }

  const LanesBurst& burst_;
  std::size_t next_key_ = 0;
  std::size_t message_ = 0;
  std::size_t offset_ = 0;
};

}  // namespace isthmus::tunnel
