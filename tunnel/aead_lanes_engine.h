#pragma once
// The way of a burst through the lanes.

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "tunnel/aead_lanes.h"
#include "tunnel/aead_lanes_burst.h"
#include "tunnel/aead_lanes_chacha.h"
#include "tunnel/aead_lanes_packing.h"
#include "tunnel/aead_lanes_tags.h"

namespace isthmus::tunnel {

// Keys, key stream and one-time keys lie in members, and as much of them as a burst has used is wiped when it is done.
// The powers of r are local variables (as members they would leave the registers at every step) and wiped as well. What
// a compiler spills from registers stays on the stack until the next burst overwrites it: wiping the stack as a whole
// costs 200 cycles a burst, a third of what one short message takes.
template <class Isa>
class LanesAead final : public BurstAead {
 public:
  ~LanesAead() override { wipe(); }

  std::string_view name() const override { return Isa::kName; }

  void seal(std::span<AeadJob> jobs) override {
    in_parts(jobs, [this](std::span<AeadJob> part) { seal_part(part); });
  }

  void open(std::span<AeadJob> jobs) override {
    in_parts(jobs, [this](std::span<AeadJob> part) { open_part(part); });
  }

  void mac(std::span<AeadJob> jobs, std::span<const OneTimeKey> keys) {
    assert(jobs.size() <= LanesBurst::kCapacity);
    burst_.load(jobs);
    for (std::size_t i = 0; i < burst_.count; ++i) {
      const OneTimeKey& key = keys[static_cast<std::size_t>(burst_.job[i] - jobs.data())];
      std::memcpy(mac_keys_.r_low + i, key.data(), 8);
      std::memcpy(mac_keys_.r_high + i, key.data() + 8, 8);
      std::memcpy(mac_keys_.s_low + i, key.data() + 16, 8);
      std::memcpy(mac_keys_.s_high + i, key.data() + 24, 8);
    }
    Tags<Isa, false>(burst_, mac_keys_).run();
  }

 private:
  static constexpr std::size_t kHalf = Isa::kHalf;

  void seal_part(std::span<AeadJob> jobs) {
    burst_.load(jobs);
    Packing<Isa> packing(burst_);
    packing.fill(lanes_[0]);
    compute_one_time_keys(packing);
    apply_key_stream(packing);
    Tags<Isa, false>(burst_, mac_keys_).run();
  }

  // The tag is over the sealed text, so it is compared first, and only authentic messages are decrypted.
  void open_part(std::span<AeadJob> jobs) {
    burst_.load(jobs);
    Packing<Isa> packing(burst_);
    packing.fill(lanes_[0]);
    compute_one_time_keys(packing);
    Tags<Isa, true>(burst_, mac_keys_).run();
    const bool all = std::all_of(jobs.begin(), jobs.end(), [](const AeadJob& job) { return job.authentic; });
    if (all) [[likely]] {
      apply_key_stream(packing);
    } else {
      open_authentic();
    }
  }

  // Parts of about equal size: the last one should not be a single message.
  template <class Work>
  void in_parts(std::span<AeadJob> jobs, const Work& work) {
    while (!jobs.empty()) {
      const std::size_t parts = (jobs.size() + LanesBurst::kCapacity - 1) / LanesBurst::kCapacity;
      const std::size_t size = (jobs.size() + parts - 1) / parts;
      state_.begin_burst();
      turn_ = 0;
      work(jobs.first(size));
      wipe();
      jobs = jobs.subspan(size);
    }
  }

  // The rounds for the lanes in turn. The next ones are filled before: the processor would have to wait for what it has
  // just written piece by piece if it were read as a whole at once.
  std::size_t pass(Packing<Isa>& packing) {
    const Lanes<Isa>& lanes = lanes_[turn_];
    const std::size_t halves = lanes.used > kHalf ? 2 : 1;
    halves_used_ = std::max(halves_used_, halves);
    state_.load(lanes, halves);
    packing.fill(lanes_[1 - turn_]);
    Isa::Chacha::rounds(state_.words(), stream_, halves);
    return halves;
  }

  // The last of these passes has lanes to spare: the first blocks of text are in them, and their key stream waits in
  // stream_ until it may be applied.
  void compute_one_time_keys(Packing<Isa>& packing) {
    for (std::size_t first = 0;;) {
      const std::size_t keys = lanes_[turn_].one_time_keys;
      const std::size_t halves = pass(packing);
      for (std::size_t h = 0; h < halves; ++h) take_one_time_keys(first + h * kHalf, stream_[h]);
      keys_written_ = first + halves * kHalf;
      first += keys;
      if (first == burst_.count) return;
      turn_ = 1 - turn_;
    }
  }

  // RFC 8439 section 2.6: the first 32 bytes of block 0. Lanes with other blocks write what nobody reads.
  void take_one_time_keys(std::size_t at, const ChachaWords<kHalf>& stream) {
    std::uint64_t* const halves[4] = {mac_keys_.r_low + at, mac_keys_.r_high + at, mac_keys_.s_low + at,
                                      mac_keys_.s_high + at};
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t lane = 0; lane < kHalf; ++lane) {
        halves[i][lane] = stream.word[2 * i][lane] | std::uint64_t{stream.word[2 * i + 1][lane]} << 32;
      }
    }
  }

  void apply_key_stream(Packing<Isa>& packing) {
    apply(lanes_[turn_]);
    while (lanes_[turn_ = 1 - turn_].used != 0) {
      pass(packing);
      apply(lanes_[turn_]);
    }
  }

  void apply(Lanes<Isa>& lanes) {
    if (!lanes.has_text()) return;
    lanes.copy_ragged_in();
    for (std::size_t h = 0; h * kHalf < lanes.used; ++h) {
      const bool all = lanes.one_time_keys <= h * kHalf && lanes.used >= (h + 1) * kHalf;
      auto* const combine = all ? Isa::Chacha::template apply<true> : Isa::Chacha::template apply<false>;
      combine(stream_[h], lanes.row + h * kHalf);
    }
    lanes.copy_ragged_out();
  }

  // Begins the texts again, without those that are not what they should be.
  void open_authentic() {
    burst_.keep_authentic();
    Packing<Isa> packing(burst_);
    packing.skip_keys();
    lanes_[turn_].used = lanes_[turn_].one_time_keys = 0;
    packing.fill(lanes_[1 - turn_]);
    apply_key_stream(packing);
  }

  void wipe() {
    state_.wipe_keys(halves_used_);
    Isa::wipe(stream_, halves_used_ * sizeof(stream_[0]));
    mac_keys_.wipe(keys_written_);
    halves_used_ = 0;
  }

  LanesBurst burst_;
  Lanes<Isa> lanes_[2] = {};
  std::size_t turn_ = 0;
  ChachaState<Isa> state_;
  ChachaWords<kHalf> stream_[2];
  MacKeys<Isa> mac_keys_;
  // What a burst has used, and its end has to wipe.
  std::size_t halves_used_ = 0;
  std::size_t keys_written_ = 0;
};

}  // namespace isthmus::tunnel
