#pragma once
// The kernel's neighbours on one interface, as its events tell, and which of them we keep alive. No socket.

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "dataplane/packet/address.h"
#include "dataplane/service/rtnetlink.h"

namespace isthmus::service {

using KnownNeighbours = std::map<IpAddress, MacAddress>;  // usable ones

// A data plane that bypasses the kernel gives it no sign that a neighbour is alive. So a neighbour that we asked for is
// put to use anew whenever the kernel calls it stale or collects it as garbage: the kernel then verifies it, and says
// so when it is gone.
class KernelNeighbours {
 public:
  static constexpr std::size_t kMaxAskedFor = 4096;  // more are resolved but may go stale

  // Makes the kernel believe that we send a packet to the neighbour: it resolves an unknown one, verifies a stale one
  // and leaves one that it is sure or busy about alone. False: it refused.
  using PutToUse = std::function<bool(const IpAddress&)>;
  explicit KernelNeighbours(PutToUse put_to_use) : put_to_use_(std::move(put_to_use)) {}

  const KnownNeighbours& known() const { return known_; }
  bool asked_for(const IpAddress& address) const { return asked_for_.contains(address); }

  void solicit(const IpAddress& address);
  // Each answers whether known() changed.
  bool hear(const KernelNeighbour& neighbour);  // RTM_NEWNEIGH
  bool forgotten(const IpAddress& address);     // RTM_DELNEIGH
  bool replace(KnownNeighbours dumped);
  void clear();

 private:
  bool set(const IpAddress& address, const MacAddress& mac);
  bool drop(const IpAddress& address);

  const PutToUse put_to_use_;
  KnownNeighbours known_;
  std::set<IpAddress> asked_for_;    // until they fail
  std::set<IpAddress> unconfirmed_;  // forgotten by the kernel; good until their new resolution fails
};

}  // namespace isthmus::service
