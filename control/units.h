#pragma once
// Numbers as people read them.

#include <cstdint>
#include <string>

namespace isthmus::control {

std::string human_bytes(std::uint64_t bytes);  // "1.5 MiB"
std::string human_age(std::int64_t seconds);   // "42 s", "3 min", "5 h", "12 d"
std::string human_count(std::uint64_t count);  // "1 234 567"
std::string short_count(std::uint64_t count);  // "9 999", "12.3 k", "4.5 M": never longer than 6 characters

}  // namespace isthmus::control
