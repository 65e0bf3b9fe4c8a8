#pragma once
// A port whose addresses, routes and neighbours are a kernel interface's: read over rtnetlink and followed.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/service/coalesced_call.h"
#include "dataplane/service/kernel_neighbours.h"
#include "dataplane/service/kernel_state.h"
#include "dataplane/service/netlink_socket.h"
#include "dataplane/service/next_hop_source.h"

namespace isthmus::service {

// Only routes of the main table through this interface count: a more specific route that leaves through another
// interface is not seen. Needs CAP_NET_ADMIN to resolve neighbours, nothing to read.
class KernelNextHops final : public NextHopSource {
 public:
  // Reads everything before it returns. Throws std::runtime_error when the interface does not exist and
  // std::system_error when netlink cannot be used. `changed` runs on `context`, never inside a call to this object.
  KernelNextHops(boost::asio::io_context& context, std::string interface, Changed changed);
  ~KernelNextHops() override;
  KernelNextHops(const KernelNextHops&) = delete;
  KernelNextHops& operator=(const KernelNextHops&) = delete;

  std::unique_ptr<pipeline::NextHops> snapshot() const override { return state_.snapshot(neighbours_.known()); }
  std::vector<InterfaceAddress> addresses() const override;
  MacAddress mac() const override { return state_.link ? state_.link->mac : MacAddress{}; }
  std::optional<Path> path_to(const IpAddress& destination) override;
  void solicit(const IpAddress& next_hop) override;
  // The kernel hears its own ARP.
  void receive(const Packet&) override {}

 private:
  void wait_for_events();
  void read_events();
  void take_event(const nlmsghdr& message);
  void take_link(const nlmsghdr& message);
  void take_neighbour(const nlmsghdr& message);

  void refresh();
  std::error_code read();
  std::error_code read_link();
  std::error_code read_addresses();
  std::error_code read_routes();
  std::error_code read_neighbours();
  bool put_to_use(const IpAddress& address);

  const std::string interface_;
  const Changed changed_;
  NetlinkSocket requests_;
  NetlinkSocket events_;
  KernelState state_;
  KernelNeighbours neighbours_;
  bool everything_is_old_ = true;
  bool routes_are_old_ = false;  // and addresses
  bool notify_ = false;
  CoalescedCall refresh_soon_;
  boost::asio::posix::stream_descriptor descriptor_;  // borrows the descriptor of events_
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace isthmus::service
