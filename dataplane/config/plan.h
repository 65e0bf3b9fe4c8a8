#pragma once
// What would be different if one document ran after another: in the document's words, a sentence each.

#include <string>
#include <vector>

#include "dataplane/config/validated_config.h"

namespace isthmus::config {

struct Plan {
  std::vector<std::string> changes;     // "peers[topix].remote: 10.0.0.0/16 added, seen as 10.72.0.0/16"
  std::vector<std::string> handshakes;  // who agrees on new keys, and why
  // Of `changes`, those that a running data plane refuses: nothing would change at all.
  std::vector<std::string> refused;
  bool operator==(const Plan&) const = default;
};

// Values that mean the same are the same, however they are written and in which order. Key files are compared by their
// names: what is in them is not in a document.
Plan plan(const ValidatedConfig& running, const ValidatedConfig& next);

}  // namespace isthmus::config
