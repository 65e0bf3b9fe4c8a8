#pragma once
// Immutable longest-prefix match: built whole by compile, then only read.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/packet/address.h"

namespace isthmus::route {

// A trie of 256-way nodes with leaves pushed down: one dependent load for each byte of the longest prefix on the way,
// 1 KiB a node, so a peer with one /16 costs 2 KiB and the tables of thousands of peers stay in cache. (rte_fib's
// DIR24_8 answers in one or two loads but takes 64 MiB a table, and every peer has three.)
class PrefixTable {
 public:
  struct Entry {
    Ipv4Prefix prefix;
    std::uint32_t value = 0;  // at most kMaxValue
    auto operator<=>(const Entry&) const = default;
  };
  static constexpr std::uint32_t kMissing = 0x7fffffff;
  static constexpr std::uint32_t kMaxValue = kMissing - 1;

  // An empty table: every lookup is kMissing.
  PrefixTable();
  // Entries in any order; of two equal prefixes the later one wins. The result depends on the set alone.
  explicit PrefixTable(std::span<const Entry> entries);

  // The value of the longest prefix that contains the address, or kMissing.
  std::uint32_t lookup(Ipv4Address address) const {
    std::uint32_t slot = slots_[address.value >> 24];
    for (unsigned shift = 16; slot & kChild; shift -= 8) {
      slot = slots_[(slot & ~kChild) + ((address.value >> shift) & 0xff)];
    }
    return slot;
  }

  bool operator==(const PrefixTable&) const = default;
  std::size_t memory_bytes() const { return slots_.size() * sizeof(std::uint32_t); }

 private:
  static constexpr std::uint32_t kChild = 0x80000000;  // the slot is the index of a child node's first slot

  void insert(const Entry& entry);

  std::vector<std::uint32_t> slots_;
};

}  // namespace isthmus::route
