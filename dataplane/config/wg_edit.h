#pragma once
// What `wg set` means for a document. WireGuard knows neither names nor views, so what it says is read with what the
// document says of the same key:
//
//   a peer's allowed IPs are the real prefixes of its `remote` maps. One that the document maps is seen here as the
//   document says, another as itself;
//   a peer that the document knows keeps its name, lanes, MTU and `local` maps, even when it is removed and comes back;
//   another is called wg- and the first eight digits of its key.

#include <map>
#include <string>
#include <variant>

#include "dataplane/config/desired_state.h"
#include "dataplane/config/wg_protocol.h"

namespace isthmus::config {

struct WgEdited {
  DesiredState state;  // not validated yet
  // By the peer's name: pre-shared keys that are not what they were. All zero: none from now on.
  std::map<std::string, tunnel::SecretKey> preshared_keys;
};

// `running` is `document` with the edits since. Both are valid.
WgEdited edit(const DesiredState& document, const DesiredState& running, const WgEdit& wanted);

}  // namespace isthmus::config
