#pragma once
// Does a secret still lie anywhere in this process: on the heap, on the stack, in a global, in memory that was freed?

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

namespace isthmus::test {

// Secrets are remembered inverted, or the search would find its own memory of them.
class MemorySearch {
 public:
  void look_for(std::span<const std::uint8_t, 32> secret) {
    Secret inverted;
    for (std::size_t i = 0; i < inverted.size(); ++i) {
      inverted[i] = static_cast<std::uint8_t>(~static_cast<const volatile std::uint8_t&>(secret[i]));
    }
    secrets_.push_back(inverted);
  }

  // How often each of them was found.
  std::vector<std::size_t> copies() const {
    std::vector<std::size_t> copies(secrets_.size());
    std::FILE* maps = std::fopen("/proc/self/maps", "r");
    const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    if (maps == nullptr || memory < 0) std::abort();
    char line[512];
    while (std::fgets(line, sizeof(line), maps) != nullptr) {
      std::uintptr_t begin = 0;
      std::uintptr_t end = 0;
      char access[5] = "";
      if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &begin, &end, access) != 3) std::abort();
      // What is larger is a sanitizer's own bookkeeping.
      if (access[0] == 'r' && access[1] == 'w' && end - begin < kLargest) search(memory, begin, end, copies);
    }
    std::fclose(maps);
    ::close(memory);
    return copies;
  }

 private:
  using Secret = std::array<std::uint8_t, 32>;
  static constexpr std::uintptr_t kLargest = std::uintptr_t{256} << 20;
  static constexpr std::size_t kStep = 1 << 16;

  void search(int memory, std::uintptr_t begin, std::uintptr_t end, std::vector<std::size_t>& copies) const {
    static std::array<std::uint8_t, kStep + sizeof(Secret)> window;
    const auto own = reinterpret_cast<std::uintptr_t>(window.data());
    for (std::uintptr_t at = begin; at < end; at += kStep) {
      const std::size_t wanted = std::min<std::uintptr_t>(window.size() - 1, end - at);
      const ssize_t got = ::pread(memory, window.data(), wanted, static_cast<off_t>(at));
      for (ssize_t i = 0; i + static_cast<ssize_t>(sizeof(Secret)) <= got; ++i) {
        const std::uintptr_t place = at + static_cast<std::uintptr_t>(i);
        const bool is_window = place + sizeof(Secret) > own && place < own + window.size();
        if (!is_window) count(window.data() + i, copies);
      }
    }
    window.fill(0);
  }

  void count(const std::uint8_t* bytes, std::vector<std::size_t>& copies) const {
    for (std::size_t s = 0; s < secrets_.size(); ++s) {
      std::size_t i = 0;
      while (i < sizeof(Secret) && bytes[i] == static_cast<std::uint8_t>(~secrets_[s][i])) ++i;
      copies[s] += i == sizeof(Secret);
    }
  }

  std::vector<Secret> secrets_;
};

}  // namespace isthmus::test
