#pragma once
// What every benchmark says about its runs.

#include <algorithm>
#include <cmath>
#include <vector>

namespace isthmus::bench {

inline double quantile(std::vector<double> values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + at);
  return values[static_cast<std::size_t>(at)];
}
inline double median(const std::vector<double>& values) { return quantile(values, 0.5); }

// The median distance from the median.
inline double spread(const std::vector<double>& values) {
  const double middle = median(values);
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - middle));
  return median(distances);
}

}  // namespace isthmus::bench
