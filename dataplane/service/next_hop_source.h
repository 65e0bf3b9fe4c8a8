#pragma once
// Where a port's addresses, routes and neighbours come from: the kernel that owns it, or ourselves.

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/packet/address.h"
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/next_hops.h"

namespace isthmus::service {

// Service thread only.
class NextHopSource {
 public:
  virtual ~NextHopSource() = default;

  // What the workers look up. Made anew after `changed` was called.
  virtual std::unique_ptr<pipeline::NextHops> snapshot() const = 0;
  virtual std::vector<InterfaceAddress> addresses() const = 0;
  virtual MacAddress mac() const = 0;

  // For the tunnel's endpoints, which may be IPv4 or IPv6: our source address towards `destination`, and the MAC of the
  // next hop. Nothing when it is not known yet; resolution has then been started and `changed` will be called.
  struct Path {
    IpAddress source;
    MacAddress source_mac;
    MacAddress next_hop_mac;
    auto operator<=>(const Path&) const = default;
  };
  virtual std::optional<Path> path_to(const IpAddress& destination) = 0;

  // A worker found no MAC for this next hop: resolve it. Idempotent while a resolution runs.
  virtual void solicit(const IpAddress& next_hop) = 0;
  // ARP or neighbour discovery, a whole frame, on a port without a kernel. The packet's memory stays the caller's.
  virtual void receive(const Packet& message) = 0;
};

// Called when anything that snapshot() or path_to() answers may have changed; several changes may be one call.
using Changed = std::function<void()>;

}  // namespace isthmus::service
