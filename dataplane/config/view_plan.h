#pragma once
// What no view of a document may cover.

#include "dataplane/config/address_plan.h"
#include "dataplane/config/desired_state.h"
#include "dataplane/config/validated_config.h"

namespace isthmus::config {

// Views are not claimed yet. Advice has to stay away from those further on in the document too, so all are avoided.
AddressPlan plan_views(const DesiredState& desired, const PortConfig& cluster, const PortConfig& underlay);

}  // namespace isthmus::config
