#pragma once
// Random numbers for model tests. The seed is printed, and ISTHMUS_SEED=<number> repeats a run.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace isthmus::test {

class Random {
 public:
  Random() : Random(chosen_seed()) {}
  explicit Random(std::uint64_t seed) : engine_(seed) {
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);
  }

  // 0 <= result < bound
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  std::uint32_t word() { return static_cast<std::uint32_t>(engine_()); }
  std::vector<std::uint8_t> bytes(std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(engine_());
    return bytes;
  }
  std::mt19937_64& engine() { return engine_; }

 private:
  static std::uint64_t chosen_seed() {
    const char* given = std::getenv("ISTHMUS_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  }

  std::mt19937_64 engine_;
};

}  // namespace isthmus::test
