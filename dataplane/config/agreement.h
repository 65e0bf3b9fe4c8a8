#pragma once
// Do the documents of several clusters expect of each other what the others do? Each document has passed validate
// alone.

#include <string>
#include <vector>

#include "dataplane/config/validate.h"
#include "dataplane/packet/drop_reason.h"

namespace isthmus::config {

// A packet that shows what is wrong.
struct Counterexample {
  std::size_t sender = 0;  // the document of the cluster that it comes from
  Ipv4Address source;      // as the pod sends it
  Ipv4Address destination;
  Ipv4Address source_in_tunnel;  // as it is sealed
  Ipv4Address destination_in_tunnel;
  DropReason drop = DropReason::kNone;  // of it or of its answer; kNone: it arrives, but not as was meant
  std::string fate;                     // "b drops it: source_not_allowed"
};

struct Disagreement {
  std::size_t document = 0;  // its place among those given
  ConfigError error;
  Counterexample packet;
};

// Documents find each other by their names; a peer whose document was not given is not judged. By document.
std::vector<Disagreement> disagreements(const std::vector<ValidatedConfig>& documents);

// "10.244.0.1 -> 10.71.0.1 from a, in the tunnel 10.60.0.1 -> 10.244.0.1: b drops it: source_not_allowed"
std::string to_string(const Counterexample& packet, const std::vector<ValidatedConfig>& documents);

}  // namespace isthmus::config
