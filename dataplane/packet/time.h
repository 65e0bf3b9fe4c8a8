#pragma once
// Time is an argument: nothing below floor 3 reads a clock.

#include <chrono>

namespace isthmus {

using Duration = std::chrono::nanoseconds;

// A point on the machine's monotonic clock. Default-constructed means "never".
struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicClock::time_point;
inline constexpr Instant kNever{};

}  // namespace isthmus
