#pragma once
// A port without a kernel behind it: we own its addresses, answer for them, and find our neighbours ourselves.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/service/coalesced_call.h"
#include "dataplane/service/neighbour_cache.h"
#include "dataplane/service/next_hop_source.h"

namespace isthmus::service {

class DeviceNextHops final : public NextHopSource {
 public:
  // Calls `write` with a fresh buffer, then transmits it. May do neither when there is no buffer.
  using SendFrame = std::function<void(std::function<void(Packet&)> write)>;

  // gateway: the next hop for everything not on link. `changed` runs on `context`, never inside a call to this object.
  DeviceNextHops(boost::asio::io_context& context, MacAddress own, std::vector<InterfaceAddress> addresses,
                 std::optional<IpAddress> gateway, SendFrame send, Changed changed);

  std::unique_ptr<pipeline::NextHops> snapshot() const override;
  std::vector<InterfaceAddress> addresses() const override { return addresses_; }
  MacAddress mac() const override { return mac_; }
  std::optional<Path> path_to(const IpAddress& destination) override;
  void solicit(const IpAddress& next_hop) override;
  void receive(const Packet& message) override;

 private:
  bool is_own(const IpAddress& address) const;
  bool on_link(const IpAddress& address) const;
  const IpAddress* source_for(const IpAddress& next_hop) const;
  void ask(const NeighbourCache::Ask& question);
  void tick_later();

  const MacAddress mac_;
  const std::vector<InterfaceAddress> addresses_;
  const std::optional<IpAddress> gateway_;
  const SendFrame send_;
  NeighbourCache cache_;
  CoalescedCall changed_soon_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace isthmus::service
