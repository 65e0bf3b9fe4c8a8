#pragma once
// Which IPv4 addresses are spoken for and by what, and which are still free.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dataplane/packet/address.h"

namespace isthmus::config {

// Every question costs a few dozen look-ups, however many prefixes are in the plan: a document may hold many thousands.
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
  std::optional<Ipv4Prefix> first_free(Ipv4Prefix pool, std::uint8_t length);

  std::vector<Ipv4Prefix> pools_;
  std::map<Ipv4Prefix, std::string> claims_;
  std::set<Ipv4Prefix> avoided_;
  int steps_left_ = 100000;  // bounds the search in a document full of clashes
};

}  // namespace isthmus::config
