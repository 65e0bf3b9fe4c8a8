#include "control/units.h"

#include <array>
#include <cstdio>
#include <span>

namespace isthmus::control {

namespace {

// The largest unit that leaves something before the decimal point.
std::string scaled(std::uint64_t number, double step, std::span<const char* const> units) {
  double value = static_cast<double>(number);
  std::size_t unit = 0;
  while (value >= step - 0.5 && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 || value >= 99.95 ? "%.0f%s" : "%.1f%s", value, units[unit]);
  return text;
}

}  // namespace

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  return scaled(bytes, 1024, kUnits);
}

std::string human_age(std::int64_t seconds) {
  if (seconds < 0) seconds = 0;  // the other machine's clock, or ours, has moved
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

std::string human_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ' ');
  }
  return digits;
}

std::string short_count(std::uint64_t count) {
  constexpr std::array kUnits = {"", " k", " M", " G", " T", " P", " E"};
  return count < 10'000 ? human_count(count) : scaled(count, 1000, kUnits);
}

}  // namespace isthmus::control
