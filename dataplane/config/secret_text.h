#pragma once
// Text in which keys stand: its memory is wiped before it is given back, also when it grows out of it.

#include <cstdint>
#include <memory>
#include <string>

#include "tunnel/crypto.h"

namespace isthmus::config {

template <typename T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <typename U>
  explicit WipingAllocator(const WipingAllocator<U>&) {}

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, std::size_t count) {
    tunnel::wipe({reinterpret_cast<std::uint8_t*>(memory), count * sizeof(T)});
    std::allocator<T>().deallocate(memory, count);
  }
  bool operator==(const WipingAllocator&) const = default;
};

// What is short enough to lie in the object itself is not wiped: no key is.
using SecretText = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

}  // namespace isthmus::config
