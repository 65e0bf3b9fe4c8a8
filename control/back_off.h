#pragma once
// How long to wait before the next attempt: at once after a long quiet time, then longer and longer.

#include <algorithm>
#include <chrono>

namespace isthmus::control {

class BackOff {
 public:
  using Time = std::chrono::milliseconds;

  // `lived`: how long the last attempt held.
  Time next(Time lived) {
    if (lived >= kSettled) delay_ = Time{0};
    const Time now = delay_;
    delay_ = std::clamp(delay_ * 2, kFirst, kLongest);
    return now;
  }

 private:
  static constexpr Time kFirst{100};
  static constexpr Time kLongest{5000};
  static constexpr Time kSettled{10000};

  Time delay_{0};
};

}  // namespace isthmus::control
