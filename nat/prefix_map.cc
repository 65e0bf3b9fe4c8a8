#include "nat/prefix_map.h"

#include <cassert>

namespace isthmus::nat {

PrefixMap make_prefix_map(Ipv4Prefix real, Ipv4Prefix seen_as) {
  assert(real.length == seen_as.length);
  return {real, seen_as, checksum_delta(real.network.value, seen_as.network.value),
          checksum_delta(seen_as.network.value, real.network.value)};
}

}  // namespace isthmus::nat
