#include "dataplane/service/kernel_next_hops.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "dataplane/packet/byte_order.h"
#include "dataplane/service/ip_match.h"

namespace isthmus::service {
namespace {

using namespace std::chrono_literals;

constexpr auto kCoalesce = 1ms;
constexpr auto kRetry = 50ms;             // after a dump that failed or was overtaken by changes
constexpr int kEventBuffer = 4 << 20;     // bytes: a burst of some 10,000 neighbour events
constexpr unsigned kEventsPerTurn = 256;  // datagrams, then other handlers have their turn

void put_ip(nlmsghdr* message, std::uint16_t type, const IpAddress& address) {
  if (const auto* v4 = std::get_if<Ipv4Address>(&address)) {
    const Big32 value = v4->value;
    mnl_attr_put(message, type, sizeof value, &value);
  } else {
    mnl_attr_put(message, type, sizeof(Ipv6Address), &std::get<Ipv6Address>(address));
  }
}

std::string existing_interfaces(NetlinkSocket& socket) {
  NetlinkMessage message(RTM_GETLINK, NLM_F_DUMP);
  message.put<ifinfomsg>();
  std::string names;
  socket.request(message.header(), [&](const nlmsghdr& answer) {
    if (const auto link = parse_link(answer)) names += (names.empty() ? "" : ", ") + link->name;
  });
  return names;
}

// One dump a family; one that the kernel was built without is empty.
template <typename Dump>
std::error_code for_both_families(Dump dump) {
  for (const int family : {AF_INET, AF_INET6}) {
    const std::error_code error = dump(static_cast<unsigned char>(family));
    const int code = error.value();
    if (error && code != ENOENT && code != EOPNOTSUPP && code != EAFNOSUPPORT) return error;
  }
  return {};
}

}  // namespace

KernelNextHops::KernelNextHops(boost::asio::io_context& context, std::string interface, Changed changed)
    : interface_(std::move(interface)),
      changed_(std::move(changed)),
      requests_(NETLINK_ROUTE),
      events_(NETLINK_ROUTE, SOCK_NONBLOCK),
      neighbours_([this](const IpAddress& address) { return put_to_use(address); }),
      refresh_soon_(context, [this] { refresh(); }),
      descriptor_(context) {
  // First the events, then the dump: what changes in between is heard twice rather than never.
  events_.enlarge_buffers(kEventBuffer);
  for (const unsigned group : {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                               RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE}) {
    events_.join(group);
  }
  std::error_code error = read();
  for (int attempt = 0; error.value() == EINTR && attempt < 10; ++attempt) error = read();
  if (error && error.value() != EINTR) {
    throw std::system_error(error, "cannot read the state of interface " + interface_);
  }
  if (!state_.link) {
    throw std::runtime_error("interface " + interface_ +
                             " does not exist in this network namespace; there are: " + existing_interfaces(requests_));
  }
  if (error) refresh_soon_.request(kRetry);
  notify_ = false;
  descriptor_.assign(events_.fd());
  wait_for_events();
}

KernelNextHops::~KernelNextHops() { descriptor_.release(); }

std::vector<InterfaceAddress> KernelNextHops::addresses() const {
  std::vector<InterfaceAddress> result;
  for (const KernelAddress& address : state_.addresses) result.push_back(address.address);
  return result;
}

std::optional<NextHopSource::Path> KernelNextHops::path_to(const IpAddress& destination) {
  const auto hop = state_.hop_to(destination);
  if (!hop) return std::nullopt;
  const auto path = state_.path_over(*hop, neighbours_.known());
  if (!path || !neighbours_.asked_for(hop->next_hop)) solicit(hop->next_hop);
  return path;
}

void KernelNextHops::solicit(const IpAddress& next_hop) { neighbours_.solicit(next_hop); }

bool KernelNextHops::put_to_use(const IpAddress& address) {
  if (!state_.up()) return false;
  NetlinkMessage message(RTM_NEWNEIGH, NLM_F_CREATE);
  auto& header = message.put<ndmsg>();
  header.ndm_family = std::holds_alternative<Ipv4Address>(address) ? AF_INET : AF_INET6;
  header.ndm_ifindex = static_cast<int>(state_.link->index);
  header.ndm_flags = NTF_USE;
  put_ip(message.header(), NDA_DST, address);
  return !requests_.request(message.header());
}

void KernelNextHops::wait_for_events() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this, alive = std::weak_ptr<bool>(alive_)](const boost::system::error_code& error) {
                           if (error || alive.expired()) return;
                           read_events();
                           wait_for_events();
                         });
}

void KernelNextHops::read_events() {
  for (unsigned i = 0; i < kEventsPerTurn; ++i) {
    const auto error = events_.receive([this](const nlmsghdr& message) { take_event(message); });
    if (error.value() == ENOBUFS) everything_is_old_ = true;
    if (error && error.value() != ENOBUFS) break;
  }
  if (everything_is_old_ || routes_are_old_ || notify_) refresh_soon_.request(kCoalesce);
}

void KernelNextHops::take_event(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return take_link(message);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return take_neighbour(message);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      // An address takes routes with it, about which the kernel is silent: both are read again.
      if (const auto address = parse_address(message); address && state_.link && address->index == state_.link->index) {
        routes_are_old_ = true;
      }
      return;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      // A replacement names the new interface only; the route may have been ours.
      if (state_.link && ((message.nlmsg_flags & NLM_F_REPLACE) || parse_route(message, state_.link->index))) {
        routes_are_old_ = true;
      }
      return;
    default:
      return;
  }
}

void KernelNextHops::take_link(const nlmsghdr& message) {
  const auto link = parse_link(message);
  if (!link) return;
  const bool ours = link->name == interface_ || (state_.link && link->index == state_.link->index);
  // A link that goes down loses IPv4 routes without a word about each.
  if (ours && (message.nlmsg_type == RTM_DELLINK || link != state_.link)) everything_is_old_ = true;
}

void KernelNextHops::take_neighbour(const nlmsghdr& message) {
  const auto neighbour = parse_neighbour(message);
  if (!neighbour || !state_.link || neighbour->index != state_.link->index) return;
  const bool gone = message.nlmsg_type == RTM_DELNEIGH;
  if (gone ? neighbours_.forgotten(neighbour->address) : neighbours_.hear(*neighbour)) notify_ = true;
}

void KernelNextHops::refresh() {
  if (read()) refresh_soon_.request(kRetry);
  if (!std::exchange(notify_, false)) return;
  changed_();
}

// Reads what is old. After an error it stays old.
std::error_code KernelNextHops::read() {
  if (everything_is_old_) {
    if (const auto error = read_link()) return error;
    if (const auto error = read_neighbours()) return error;
  }
  if (everything_is_old_ || routes_are_old_) {
    if (const auto error = read_addresses()) return error;
    if (const auto error = read_routes()) return error;
  }
  everything_is_old_ = false;
  routes_are_old_ = false;
  return {};
}

std::error_code KernelNextHops::read_link() {
  NetlinkMessage message(RTM_GETLINK, 0);
  message.put<ifinfomsg>();
  mnl_attr_put_strz(message.header(), IFLA_IFNAME, interface_.c_str());
  std::optional<KernelLink> link;
  const auto error = requests_.request(message.header(), [&](const nlmsghdr& answer) { link = parse_link(answer); });
  // ERANGE: a name longer than any interface's.
  if (error && error.value() != ENODEV && error.value() != ERANGE && error.value() != EINVAL) return error;
  if (link == state_.link) return {};
  if (!link || !state_.link || link->index != state_.link->index) {
    state_ = {};
    neighbours_.clear();
  }
  state_.link = link;
  notify_ = true;
  return {};
}

std::error_code KernelNextHops::read_neighbours() {
  KnownNeighbours found;
  const auto error = for_both_families([&](unsigned char family) -> std::error_code {
    if (!state_.link) return {};
    NetlinkMessage message(RTM_GETNEIGH, NLM_F_DUMP);
    message.put<ndmsg>().ndm_family = family;
    mnl_attr_put_u32(message.header(), NDA_IFINDEX, state_.link->index);
    return requests_.request(message.header(), [&](const nlmsghdr& answer) {
      const auto neighbour = parse_neighbour(answer);
      if (!neighbour || neighbour->index != state_.link->index) return;
      if (neighbour->state == NeighbourState::kFailed || neighbour->state == NeighbourState::kResolving) return;
      found[neighbour->address] = neighbour->mac;
    });
  });
  if (error) return error;
  if (neighbours_.replace(std::move(found))) notify_ = true;
  return {};
}

std::error_code KernelNextHops::read_addresses() {
  std::vector<KernelAddress> found;
  const auto error = for_both_families([&](unsigned char family) -> std::error_code {
    if (!state_.link) return {};
    NetlinkMessage message(RTM_GETADDR, NLM_F_DUMP);
    auto& header = message.put<ifaddrmsg>();
    header.ifa_family = family;
    header.ifa_index = state_.link->index;
    return requests_.request(message.header(), [&](const nlmsghdr& answer) {
      const auto address = parse_address(answer);
      if (address && address->usable && address->index == state_.link->index) found.push_back(*address);
    });
  });
  if (error) return error;
  if (found != state_.addresses) notify_ = true;
  state_.addresses = std::move(found);
  return {};
}

std::error_code KernelNextHops::read_routes() {
  KernelState fresh;
  const auto error = for_both_families([&](unsigned char family) -> std::error_code {
    if (!state_.link) return {};
    NetlinkMessage message(RTM_GETROUTE, NLM_F_DUMP);
    auto& header = message.put<rtmsg>();
    header.rtm_family = family;
    header.rtm_table = RT_TABLE_MAIN;
    mnl_attr_put_u32(message.header(), RTA_OIF, state_.link->index);
    return requests_.request(message.header(), [&](const nlmsghdr& answer) {
      if (const auto route = parse_route(answer, state_.link->index)) fresh.routes.push_back(*route);
    });
  });
  if (error) return error;
  fresh.sort_routes();
  if (fresh.routes != state_.routes) notify_ = true;
  state_.routes = std::move(fresh.routes);
  return {};
}

}  // namespace isthmus::service
