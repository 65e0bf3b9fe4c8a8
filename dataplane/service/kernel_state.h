#pragma once
// What we know of one kernel interface apart from its neighbours, and the questions a gateway has about it. No socket:
// a value.

#include <memory>
#include <optional>
#include <vector>

#include "dataplane/pipeline/next_hops.h"
#include "dataplane/service/kernel_neighbours.h"
#include "dataplane/service/next_hop_source.h"
#include "dataplane/service/rtnetlink.h"

namespace isthmus::service {

struct KernelState {
  std::optional<KernelLink> link;        // none: the interface does not exist now
  std::vector<KernelAddress> addresses;  // usable ones of this interface
  std::vector<KernelRoute> routes;       // of this interface, in the order of sort_routes

  bool up() const { return link && link->up; }
  // Longest prefix first, then the kernel's preference.
  void sort_routes();

  // Nothing when no route of this interface leads there.
  struct Hop {
    IpAddress next_hop;
    IpAddress source;
  };
  std::optional<Hop> hop_to(const IpAddress& destination) const;
  std::optional<NextHopSource::Path> path_over(const Hop& hop, const KnownNeighbours& neighbours) const;
  std::unique_ptr<pipeline::NextHops> snapshot(const KnownNeighbours& neighbours) const;

 private:
  std::optional<IpAddress> source_for(const IpAddress& next_hop, const IpAddress& destination) const;
};

}  // namespace isthmus::service
