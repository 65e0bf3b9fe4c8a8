#pragma once
// Which IPv4 addresses are spoken for and by what, and which are still free.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/packet/address.h"

namespace isthmus::config {

// Every question costs a few dozen look-ups on average, however many prefixes are in the plan: a document may hold many
// thousands.
class AddressPlan {
 public:
  struct Claim {
    Ipv4Prefix prefix;
    std::string owner;  // for the message: "pods[0]"
  };

  // The private ranges, in the order in which they are offered.
  static std::vector<Ipv4Prefix> private_ranges();

  explicit AddressPlan(std::vector<Ipv4Prefix> pools = private_ranges()) : pools_(std::move(pools)) {}

  // Of equal prefixes the first owner stays. Claims may overlap: refusing that is the caller's business.
  void claim(Ipv4Prefix prefix, std::string owner);
  // A claim that shares an address with the prefix: the widest that contains it, or else the first inside it.
  std::optional<Claim> clash(Ipv4Prefix prefix) const;

  // offer() stays away from it, but nobody has claimed it yet.
  void avoid(Ipv4Prefix prefix) { avoided_.insert(prefix); }
  // The first prefix of that length from the pools that is neither avoided nor offered before.
  std::optional<Ipv4Prefix> offer(std::uint8_t length);

 private:
  std::optional<Ipv4Prefix> next_free(Ipv4Prefix pool, std::uint8_t length);

  std::vector<Ipv4Prefix> pools_;
  std::map<Ipv4Prefix, std::string> claims_;
  std::set<Ipv4Prefix> avoided_;
  // Up to where no prefix of that length is free in the pool. What is taken stays so: nothing is looked at twice.
  std::map<std::pair<Ipv4Prefix, std::uint8_t>, std::uint64_t> searched_;
};

}  // namespace isthmus::config
