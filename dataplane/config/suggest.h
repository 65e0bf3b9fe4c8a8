#pragma once
// Views for remote maps that have none, or whose view clashes: by the plan that validate judges with.

#include <optional>
#include <string>
#include <vector>

#include "dataplane/config/address_plan.h"
#include "dataplane/config/desired_state.h"

namespace isthmus::config {

struct Suggestion {
  std::size_t document = 0;        // its place among those given
  std::string path;                // "peers[1].remote[0].seenAs"
  std::string before;              // empty: there was no view
  std::optional<Ipv4Prefix> view;  // as long as the real prefix; none: no pool has room for it
  bool operator==(const Suggestion&) const = default;
};

struct Suggested {
  std::vector<DesiredState> documents;  // with the views put in
  std::vector<Suggestion> suggestions;
};

// Deterministic, whatever the order of the documents. A suggested view overlaps nothing that stands in any of them and
// no other suggestion: seen in a log or a trace, its address tells which cluster it is and who looks at it. Maps that
// are wrong in another way are left alone.
Suggested suggest_views(std::vector<DesiredState> documents,
                        std::vector<Ipv4Prefix> pools = AddressPlan::private_ranges());

}  // namespace isthmus::config
