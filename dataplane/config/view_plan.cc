#include "dataplane/config/view_plan.h"

#include "dataplane/config/field_check.h"
#include "dataplane/config/port_check.h"

namespace isthmus::config {

AddressPlan plan_views(const DesiredState& desired, const PortConfig& cluster, const PortConfig& underlay) {
  AddressPlan plan;
  claim_special_ranges(plan);
  const auto claim = [&plan](Ipv4Prefix prefix, const std::string& owner) {
    plan.claim(prefix, owner);
    plan.avoid(prefix);
  };
  for (const Ipv4Prefix network : networks_of(cluster)) claim(network, "the cluster port's network");
  for (const Ipv4Prefix network : networks_of(underlay)) claim(network, "the underlay port's network");
  const auto claim_all = [&](const std::vector<std::string>& list, const char* name) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto prefix = parse_ipv4_prefix(list[i]);
      const Ipv4Prefix* good = std::get_if<Ipv4Prefix>(&prefix);
      if (good != nullptr && good->length != 0) claim(*good, item_path(name, i));
    }
  };
  claim_all(desired.pods, "pods");
  claim_all(desired.reserved, "reserved");
  // What goes to a peer's gateway outside the tunnel must not go into one.
  for (std::size_t i = 0; i < desired.peers.size(); ++i) {
    const auto endpoint = parse_endpoint(desired.peers[i].endpoint);
    const auto* address = endpoint ? std::get_if<Ipv4Address>(&endpoint->address) : nullptr;
    if (address != nullptr) claim({*address, 32}, item_path("peers", i) + ".endpoint");
  }
  for (const DesiredPeer& peer : desired.peers) {
    for (const DesiredMap& map : peer.remote) {
      if (const auto view = readable_prefix(map.seen_as)) plan.avoid(*view);
    }
  }
  return plan;
}

}  // namespace isthmus::config
