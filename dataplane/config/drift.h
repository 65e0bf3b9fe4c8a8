#pragma once
// In what a running gateway differs from the document that was applied last, a sentence each. Only what `wg` can change
// is compared (wg_edit.h); secrets are not in a document, so whoever has them says what is different there.

#include <string>
#include <vector>

#include "dataplane/config/desired_state.h"

namespace isthmus::config {

// "peers[netlab].endpoint: 192.0.2.9:51820 instead of 192.0.2.2:51820, set with wg"
std::vector<std::string> drift(const DesiredState& document, const DesiredState& running);

}  // namespace isthmus::config
