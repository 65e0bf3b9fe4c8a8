#include "dataplane/service/device_next_hops.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "dataplane/packet/headers.h"
#include "dataplane/packet/neighbour_messages.h"
#include "dataplane/service/ip_match.h"

namespace isthmus::service {
namespace {

using namespace std::chrono_literals;

constexpr auto kCoalesce = 1ms;
constexpr auto kTick = 250ms;

Instant now() { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; }

}  // namespace

DeviceNextHops::DeviceNextHops(boost::asio::io_context& context, MacAddress own,
                               std::vector<InterfaceAddress> addresses, std::optional<IpAddress> gateway,
                               SendFrame send, Changed changed)
    : mac_(own),
      addresses_(std::move(addresses)),
      gateway_(gateway),
      send_(std::move(send)),
      changed_soon_(context, std::move(changed)),
      timer_(context) {
  tick_later();
}

std::unique_ptr<pipeline::NextHops> DeviceNextHops::snapshot() const {
  std::vector<pipeline::NextHops::RouteEntry> routes;
  Ipv4Address own;
  for (const InterfaceAddress& address : addresses_) {
    const auto* v4 = std::get_if<Ipv4Address>(&address.address);
    if (v4 == nullptr) continue;
    if (own.value == 0) own = *v4;
    routes.push_back({make_prefix(*v4, address.length), std::nullopt});
  }
  const auto* gateway = gateway_ ? std::get_if<Ipv4Address>(&*gateway_) : nullptr;
  if (gateway != nullptr) routes.push_back({Ipv4Prefix{}, *gateway});
  std::vector<pipeline::NextHops::NeighbourEntry> neighbours;
  cache_.each_known([&](const IpAddress& address, const MacAddress& mac) {
    if (const auto* v4 = std::get_if<Ipv4Address>(&address)) neighbours.push_back({*v4, mac});
  });
  std::vector<IpAddress> all;
  for (const InterfaceAddress& address : addresses_) all.push_back(address.address);
  return std::make_unique<pipeline::NextHops>(mac_, own, routes, neighbours, std::move(all));
}

std::optional<NextHopSource::Path> DeviceNextHops::path_to(const IpAddress& destination) {
  if (!on_link(destination) && !(gateway_ && gateway_->index() == destination.index())) return std::nullopt;
  const IpAddress next_hop = on_link(destination) ? destination : *gateway_;
  const IpAddress* source = source_for(next_hop);
  if (source == nullptr) return std::nullopt;
  solicit(next_hop);
  const MacAddress* mac = cache_.find(next_hop);
  if (mac == nullptr) return std::nullopt;
  return Path{*source, mac_, *mac};
}

void DeviceNextHops::solicit(const IpAddress& next_hop) {
  if (is_own(next_hop)) return;
  if (const auto question = cache_.solicit(next_hop, now())) ask(*question);
}

void DeviceNextHops::receive(const Packet& message) {
  const auto heard = parse_neighbour_message(message);
  if (!heard || is_own(heard->sender)) return;
  const bool for_us = heard->is_request && is_own(heard->target);
  // An advertisement speaks for its target; an ARP reply's sender is the address it tells about.
  const IpAddress& speaker = heard->is_request ? heard->sender : heard->target;
  const bool usable = heard->has_sender_mac && heard->sender_mac != MacAddress{} && heard->sender_mac != mac_ &&
                      !is_unset(speaker) && !is_own(speaker) && (on_link(speaker) || speaker == gateway_);
  if (usable && cache_.hear(speaker, heard->sender_mac, for_us, now())) changed_soon_.request(kCoalesce);
  if (!for_us) return;
  const MacAddress asker = heard->has_sender_mac ? heard->sender_mac : message.header<EthernetHeader>()->source;
  send_([&](Packet& reply) { write_neighbour_reply(reply, mac_, heard->target, asker, heard->sender); });
}

bool DeviceNextHops::is_own(const IpAddress& address) const {
  return std::any_of(addresses_.begin(), addresses_.end(),
                     [&](const InterfaceAddress& own) { return own.address == address; });
}

bool DeviceNextHops::on_link(const IpAddress& address) const {
  return is_link_local(address) || std::any_of(addresses_.begin(), addresses_.end(), [&](const InterfaceAddress& own) {
           return within(address, own.address, own.length);
         });
}

// The address whose network the next hop is in, or else the first of its family; nullptr: none of that family.
const IpAddress* DeviceNextHops::source_for(const IpAddress& next_hop) const {
  const IpAddress* first = nullptr;
  for (const InterfaceAddress& own : addresses_) {
    if (within(next_hop, own.address, own.length)) return &own.address;
    if (first == nullptr && own.address.index() == next_hop.index()) first = &own.address;
  }
  return first;
}

void DeviceNextHops::ask(const NeighbourCache::Ask& question) {
  const IpAddress* own = source_for(question.target);
  if (own == nullptr) return;
  send_([&](Packet& packet) {
    write_neighbour_request(packet, mac_, *own, question.target);
    // Neighbour discovery's multicast disturbs next to nobody; an ARP broadcast disturbs everybody.
    const bool arp = std::holds_alternative<Ipv4Address>(question.target);
    if (arp && question.last_known) packet.header<EthernetHeader>()->destination = *question.last_known;
  });
}

void DeviceNextHops::tick_later() {
  timer_.expires_after(kTick);
  timer_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired()) return;
    const auto due = cache_.tick(now());
    for (const auto& question : due.asks) ask(question);
    if (due.changed) changed_soon_.request(kCoalesce);
    tick_later();
  });
}

}  // namespace isthmus::service
