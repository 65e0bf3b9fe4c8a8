#pragma once
// A plan as text for a person.

#include <string>
#include <vector>

#include "dataplane/config/plan.h"

namespace isthmus::control {

// `drift`: what `wg` has changed since, which ends with any document, the same one too.
std::string render_plan(const config::Plan& plan, const std::vector<std::string>& drift);

}  // namespace isthmus::control
