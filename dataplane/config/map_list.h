#pragma once
// The maps of one list, one after the other as the document has them: which may stand beside those before it.

#include <map>
#include <optional>
#include <string>

#include "dataplane/config/address_plan.h"

namespace isthmus::config {

// One prefix may lie inside another (map_parts.h tells what that means), where that can be what its writer means: no
// two reals are equal, no two views are, and a view inside a wider one belongs to a single address or to a real inside
// the wider one's.
class MapList {
 public:
  // What keeps this from being the next map's real or view. `real` is the same map's, if it can be read.
  std::optional<AddressPlan::Claim> clash_of_real(Ipv4Prefix real) const;
  std::optional<AddressPlan::Claim> clash_of_view(Ipv4Prefix view, std::optional<Ipv4Prefix> real) const;

  void take_real(Ipv4Prefix real, const std::string& path) { reals_.try_emplace(real, path); }
  void take_view(Ipv4Prefix view, std::optional<Ipv4Prefix> real, const std::string& path) {
    views_.try_emplace(view, View{real, path});
  }
  void claim_views(AddressPlan& plan) const {
    for (const auto& [prefix, view] : views_) plan.claim(prefix, view.path);
  }

 private:
  struct View {
    std::optional<Ipv4Prefix> real;
    std::string path;
  };

  std::map<Ipv4Prefix, std::string> reals_;
  std::map<Ipv4Prefix, View> views_;
};

}  // namespace isthmus::config
