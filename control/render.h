#pragma once
// A Status as text for a person at a terminal of 100 columns.

#include <cstdint>
#include <string>

#include "dataplane/config/api.h"

namespace isthmus::control {

// `now`: Unix time.
std::string render_status(const config::Status& status, std::int64_t now);
std::string render_peers(const config::Status& status, std::int64_t now);
std::string render_drops(const config::Status& status);
std::string render_trace(const std::vector<config::TraceStep>& steps);

}  // namespace isthmus::control
