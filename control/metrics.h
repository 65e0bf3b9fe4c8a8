#pragma once
// What a Prometheus server reads. The liqo_* families have the names, types, labels and help texts of Liqo's gateway,
// so that its dashboard and alerts work unchanged; everything else begins with isthmus_.

#include <cstdint>
#include <string>

#include "dataplane/config/api.h"

namespace isthmus::control {

struct MetricsInput {
  const config::Status* status = nullptr;  // the newest there is; nullptr: none yet
  bool data_plane_up = false;              // and `status` is of now
  std::uint64_t data_plane_restarts = 0;
  bool last_apply_successful = false;
};

std::string metrics_text(const MetricsInput& input);

}  // namespace isthmus::control
