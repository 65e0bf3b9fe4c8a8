#include "dataplane/config/map_list.h"

namespace isthmus::config {
namespace {

bool may_hide(Ipv4Prefix view, std::optional<Ipv4Prefix> real, Ipv4Prefix wide_view,
              std::optional<Ipv4Prefix> wide_real) {
  if (view.length == wide_view.length) return false;
  return view.length == 32 || (real && wide_real && wide_real->overlaps(*real));
}

}  // namespace

std::optional<AddressPlan::Claim> MapList::clash_of_real(Ipv4Prefix real) const {
  const auto equal = reals_.find(real);
  if (equal == reals_.end()) return std::nullopt;
  return AddressPlan::Claim{real, equal->second};
}

std::optional<AddressPlan::Claim> MapList::clash_of_view(Ipv4Prefix view, std::optional<Ipv4Prefix> real) const {
  for (int length = 1; length <= view.length; ++length) {
    const auto around = views_.find(make_prefix(view.network, static_cast<std::uint8_t>(length)));
    if (around == views_.end() || may_hide(view, real, around->first, around->second.real)) continue;
    return AddressPlan::Claim{around->first, around->second.path};
  }
  for (auto inside = views_.upper_bound(view); inside != views_.end() && view.contains(inside->first.network);
       ++inside) {
    if (may_hide(inside->first, inside->second.real, view, real)) continue;
    return AddressPlan::Claim{inside->first, inside->second.path};
  }
  return std::nullopt;
}

}  // namespace isthmus::config
