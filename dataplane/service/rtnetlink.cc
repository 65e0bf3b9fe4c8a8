#include "dataplane/service/rtnetlink.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <span>

#include "dataplane/packet/byte_order.h"

namespace isthmus::service {
namespace {

// The attributes of one message by number; higher numbers than we know are left out.
class Attributes {
 public:
  Attributes(const nlattr* first, const char* end) {
    for (const auto* attribute = first; mnl_attr_ok(attribute, static_cast<int>(end - pointer(attribute)));
         attribute = mnl_attr_next(attribute)) {
      if (mnl_attr_get_type(attribute) < found_.size()) found_[mnl_attr_get_type(attribute)] = attribute;
    }
  }
  Attributes(const nlmsghdr& message, std::size_t header_size)
      : Attributes(static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, header_size)),
                   static_cast<const char*>(mnl_nlmsg_get_payload_tail(&message))) {}

  std::span<const std::uint8_t> bytes(unsigned type) const {
    if (found_[type] == nullptr) return {};
    return {static_cast<const std::uint8_t*>(mnl_attr_get_payload(found_[type])),
            mnl_attr_get_payload_len(found_[type])};
  }
  template <typename Value>
  std::optional<Value> value(unsigned type) const {
    const auto payload = bytes(type);
    if (payload.size() != sizeof(Value)) return std::nullopt;
    Value value;
    std::memcpy(&value, payload.data(), sizeof value);
    return value;
  }
  std::optional<IpAddress> ip(unsigned type) const {
    if (const auto v4 = value<Big32>(type)) return Ipv4Address{*v4};
    if (const auto v6 = value<Ipv6Address>(type)) return *v6;
    return std::nullopt;
  }

 private:
  static const char* pointer(const nlattr* attribute) { return reinterpret_cast<const char*>(attribute); }

  std::array<const nlattr*, 64> found_{};
};

template <typename Header>
const Header* header_of(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(Header)) return nullptr;
  return static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

bool is_ip(unsigned char family) { return family == AF_INET || family == AF_INET6; }

std::optional<IpAddress> unset_of(unsigned char family) {
  if (family == AF_INET) return Ipv4Address{};
  if (family == AF_INET6) return Ipv6Address{};
  return std::nullopt;
}

// RTA_MULTIPATH: the first hop through `index` that the kernel would use. False: there is none.
bool first_hop(std::span<const std::uint8_t> hops, unsigned index, std::optional<IpAddress>& gateway) {
  while (hops.size() >= sizeof(rtnexthop)) {
    const auto* hop = reinterpret_cast<const rtnexthop*>(hops.data());
    const std::size_t size = hop->rtnh_len;
    if (size < sizeof(rtnexthop) || size > hops.size()) return false;
    const bool dead = (hop->rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) != 0;
    if (static_cast<unsigned>(hop->rtnh_ifindex) == index && !dead) {
      const auto* first = hops.data() + sizeof(rtnexthop);
      const Attributes attributes(reinterpret_cast<const nlattr*>(first),
                                  reinterpret_cast<const char*>(hops.data() + size));
      gateway = attributes.ip(RTA_GATEWAY);
      return attributes.bytes(RTA_VIA).empty();
    }
    hops = hops.subspan(std::min(hops.size(), std::size_t{RTNH_ALIGN(size)}));
  }
  return false;
}

}  // namespace

std::optional<KernelLink> parse_link(const nlmsghdr& message) {
  const auto* header = header_of<ifinfomsg>(message);
  // Bridges tell of their ports under their own family.
  if (header == nullptr || header->ifi_family != AF_UNSPEC) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  const auto name = attributes.bytes(IFLA_IFNAME);
  if (name.empty() || name.back() != 0) return std::nullopt;
  return KernelLink{.index = static_cast<unsigned>(header->ifi_index),
                    .name = reinterpret_cast<const char*>(name.data()),
                    .mac = attributes.value<MacAddress>(IFLA_ADDRESS).value_or(MacAddress{}),
                    .up = (header->ifi_flags & IFF_UP) != 0,
                    .carrier = (header->ifi_flags & IFF_LOWER_UP) != 0};
}

std::optional<KernelAddress> parse_address(const nlmsghdr& message) {
  const auto* header = header_of<ifaddrmsg>(message);
  if (header == nullptr || !is_ip(header->ifa_family)) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  // On a point-to-point link IFA_ADDRESS is the other end's and IFA_LOCAL ours; IPv6 without a peer has no IFA_LOCAL.
  auto own = attributes.ip(IFA_LOCAL);
  if (!own) own = attributes.ip(IFA_ADDRESS);
  if (!own) return std::nullopt;
  const std::uint32_t flags = attributes.value<std::uint32_t>(IFA_FLAGS).value_or(header->ifa_flags);
  // IFA_F_SECONDARY and IFA_F_TEMPORARY are one bit, the former for IPv4 and the latter for IPv6.
  return KernelAddress{.index = header->ifa_index,
                       .address = {*own, header->ifa_prefixlen},
                       .usable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0 || (flags & IFA_F_OPTIMISTIC) != 0,
                       .preferred = (flags & (IFA_F_DEPRECATED | IFA_F_SECONDARY)) == 0};
}

std::optional<KernelNeighbour> parse_neighbour(const nlmsghdr& message) {
  const auto* header = header_of<ndmsg>(message);
  // Proxy entries say what the kernel answers, not whom it reaches.
  if (header == nullptr || !is_ip(header->ndm_family) || (header->ndm_flags & NTF_PROXY) != 0) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  const auto address = attributes.ip(NDA_DST);
  if (!address) return std::nullopt;

  constexpr unsigned kUsable = NUD_REACHABLE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
  KernelNeighbour neighbour;
  neighbour.index = static_cast<unsigned>(header->ndm_ifindex);
  neighbour.address = *address;
  const auto mac = attributes.value<MacAddress>(NDA_LLADDR);
  if (header->ndm_state & (NUD_INCOMPLETE | NUD_NONE)) neighbour.state = NeighbourState::kResolving;
  if (mac && (header->ndm_state & (kUsable | NUD_STALE)) != 0) {
    neighbour.state = (header->ndm_state & NUD_STALE) ? NeighbourState::kStale : NeighbourState::kUsable;
    neighbour.mac = *mac;
  }
  return neighbour;
}

std::optional<KernelRoute> parse_route(const nlmsghdr& message, unsigned index) {
  const auto* header = header_of<rtmsg>(message);
  if (header == nullptr || header->rtm_type != RTN_UNICAST || (header->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD)) != 0) {
    return std::nullopt;
  }
  const Attributes attributes(message, sizeof *header);
  const auto family = unset_of(header->rtm_family);
  if (!family || attributes.value<std::uint32_t>(RTA_TABLE).value_or(header->rtm_table) != RT_TABLE_MAIN) {
    return std::nullopt;
  }
  KernelRoute route{.network = attributes.ip(RTA_DST).value_or(*family),
                    .length = header->rtm_dst_len,
                    .metric = attributes.value<std::uint32_t>(RTA_PRIORITY).value_or(0),
                    .gateway = std::nullopt,
                    .preferred_source = attributes.ip(RTA_PREFSRC)};
  if (const auto hops = attributes.bytes(RTA_MULTIPATH); !hops.empty()) {
    if (!first_hop(hops, index, route.gateway)) return std::nullopt;
  } else if (attributes.value<std::uint32_t>(RTA_OIF) != index || !attributes.bytes(RTA_VIA).empty()) {
    return std::nullopt;  // RTA_VIA: an IPv4 route over an IPv6 gateway, which a snapshot cannot express
  } else {
    route.gateway = attributes.ip(RTA_GATEWAY);
  }
  const bool one_family =
      route.network.index() == family->index() && (!route.gateway || route.gateway->index() == family->index());
  const unsigned longest = header->rtm_family == AF_INET ? 32 : 128;
  if (!one_family || route.length > longest) return std::nullopt;
  return route;
}

}  // namespace isthmus::service
