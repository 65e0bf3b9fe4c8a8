#include "dataplane/service/rtnetlink.h"

#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "dataplane/packet/byte_order.h"
#include "dataplane/service/netlink_socket.h"

namespace isthmus::service {
namespace {

constexpr unsigned kOurs = 7;
constexpr MacAddress kMac{{2, 0, 0, 0, 0, 1}};

IpAddress ip(const char* text) { return *parse_ip(text); }

void put_ip(nlmsghdr* message, std::uint16_t type, const char* text) {
  const IpAddress address = ip(text);
  if (const auto* v4 = std::get_if<Ipv4Address>(&address)) {
    const Big32 value = v4->value;
    mnl_attr_put(message, type, sizeof value, &value);
  } else {
    mnl_attr_put(message, type, sizeof(Ipv6Address), &std::get<Ipv6Address>(address));
  }
}

// A message of its own buffer's exact size, so that a read behind it is a read that a sanitizer sees.
class Exact {
 public:
  explicit Exact(NetlinkMessage& message) : size_(message.header()->nlmsg_len), words_((size_ + 3) / 4) {
    std::memcpy(words_.data(), message.header(), size_);
  }
  const nlmsghdr& get() const { return *reinterpret_cast<const nlmsghdr*>(words_.data()); }
  // The same message cut to `size` bytes, as its header then says.
  Exact cut(std::size_t size) const {
    Exact shorter = *this;
    shorter.words_.resize((size + 3) / 4);
    shorter.words_.shrink_to_fit();
    reinterpret_cast<nlmsghdr*>(shorter.words_.data())->nlmsg_len = static_cast<std::uint32_t>(size);
    return shorter;
  }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_;
  std::vector<std::uint32_t> words_;
};

struct RouteText {
  unsigned char family = AF_INET;
  const char* network = nullptr;
  unsigned char length = 0;
  const char* gateway = nullptr;
  unsigned interface = kOurs;
  unsigned char type = RTN_UNICAST;
  std::uint32_t table = RT_TABLE_MAIN;
  unsigned flags = 0;
};

Exact make_route(const RouteText& text) {
  NetlinkMessage message(RTM_NEWROUTE, 0);
  auto& header = message.put<rtmsg>();
  header.rtm_family = text.family;
  header.rtm_dst_len = text.length;
  header.rtm_type = text.type;
  header.rtm_flags = text.flags;
  header.rtm_table = static_cast<unsigned char>(text.table > 255 ? RT_TABLE_COMPAT : text.table);
  mnl_attr_put_u32(message.header(), RTA_TABLE, text.table);
  if (text.network != nullptr) put_ip(message.header(), RTA_DST, text.network);
  if (text.gateway != nullptr) put_ip(message.header(), RTA_GATEWAY, text.gateway);
  mnl_attr_put_u32(message.header(), RTA_OIF, text.interface);
  return Exact(message);
}

struct Hop {
  int interface;
  unsigned char flags;
  const char* gateway;
};

Exact make_multipath(const std::vector<Hop>& hops) {
  NetlinkMessage message(RTM_NEWROUTE, 0);
  auto& header = message.put<rtmsg>();
  header.rtm_family = AF_INET;
  header.rtm_type = RTN_UNICAST;
  header.rtm_table = RT_TABLE_MAIN;
  nlattr* nest = mnl_attr_nest_start(message.header(), RTA_MULTIPATH);
  for (const Hop& hop : hops) {
    auto* next = static_cast<rtnexthop*>(mnl_nlmsg_get_payload_tail(message.header()));
    *next = {.rtnh_len = sizeof(rtnexthop), .rtnh_flags = hop.flags, .rtnh_hops = 0, .rtnh_ifindex = hop.interface};
    message.header()->nlmsg_len += sizeof(rtnexthop);
    const auto before = message.header()->nlmsg_len;
    put_ip(message.header(), RTA_GATEWAY, hop.gateway);
    next->rtnh_len = static_cast<std::uint16_t>(sizeof(rtnexthop) + message.header()->nlmsg_len - before);
  }
  mnl_attr_nest_end(message.header(), nest);
  return Exact(message);
}

TEST(ParseRoute, TakesOnLinkAndGatewayRoutesOfTheInterface) {
  const auto on_link = parse_route(make_route({.network = "10.9.0.0", .length = 24}).get(), kOurs);
  ASSERT_TRUE(on_link);
  EXPECT_EQ(on_link->network, ip("10.9.0.0"));
  EXPECT_EQ(on_link->length, 24);
  EXPECT_FALSE(on_link->gateway);
  const auto fallback = parse_route(make_route({.gateway = "10.9.0.1"}).get(), kOurs);
  ASSERT_TRUE(fallback);
  EXPECT_EQ(fallback->network, ip("0.0.0.0"));
  EXPECT_EQ(fallback->gateway, ip("10.9.0.1"));
  const auto v6 = parse_route(make_route({.family = AF_INET6, .gateway = "fe80::1"}).get(), kOurs);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->network, ip("::"));
  EXPECT_EQ(v6->gateway, ip("fe80::1"));
}

TEST(ParseRoute, LeavesOutWhatIsNotOurs) {
  EXPECT_FALSE(parse_route(make_route({.interface = kOurs + 1}).get(), kOurs));
  EXPECT_FALSE(parse_route(make_route({.table = RT_TABLE_LOCAL}).get(), kOurs));
  EXPECT_FALSE(parse_route(make_route({.table = 256 + RT_TABLE_MAIN}).get(), kOurs));
  EXPECT_FALSE(parse_route(make_route({.type = RTN_BLACKHOLE}).get(), kOurs));
  EXPECT_FALSE(parse_route(make_route({.flags = RTM_F_CLONED}).get(), kOurs));
  EXPECT_FALSE(parse_route(make_route({.flags = RTNH_F_DEAD}).get(), kOurs));
  EXPECT_FALSE(parse_route(make_route({.family = AF_MPLS}).get(), kOurs));
}

TEST(ParseRoute, RefusesContradictions) {
  EXPECT_FALSE(parse_route(make_route({.network = "10.0.0.0", .length = 33}).get(), kOurs));
  EXPECT_FALSE(parse_route(make_route({.network = "2001:db8::", .length = 32}).get(), kOurs));
  EXPECT_FALSE(parse_route(make_route({.gateway = "fe80::1"}).get(), kOurs));
}

TEST(ParseRoute, TakesTheFirstUsableHopOfSeveral) {
  const auto route = parse_route(make_multipath({{kOurs + 1, 0, "10.8.0.1"},
                                                 {kOurs, RTNH_F_DEAD, "10.9.0.1"},
                                                 {kOurs, RTNH_F_LINKDOWN, "10.9.0.2"},
                                                 {kOurs, 0, "10.9.0.3"},
                                                 {kOurs, 0, "10.9.0.4"}})
                                     .get(),
                                 kOurs);
  ASSERT_TRUE(route);
  EXPECT_EQ(route->gateway, ip("10.9.0.3"));
  EXPECT_FALSE(parse_route(make_multipath({{kOurs + 1, 0, "10.8.0.1"}}).get(), kOurs));
}

TEST(ParseRoute, SurvivesEveryTruncation) {
  for (const Exact& whole : {make_multipath({{kOurs + 1, 0, "10.8.0.1"}, {kOurs, 0, "10.9.0.3"}}),
                             make_route({.network = "10.9.0.0", .length = 24, .gateway = "10.9.0.1"})}) {
    ASSERT_TRUE(parse_route(whole.get(), kOurs));
    for (std::size_t size = NLMSG_HDRLEN; size < whole.size(); size += 4) parse_route(whole.cut(size).get(), kOurs);
  }
}

TEST(ParseRoute, SurvivesAHopThatLiesAboutItsLength) {
  for (const int lie : {0, 7, 9, 12, 13, 200}) {
    const Exact whole = make_multipath({{kOurs + 1, 0, "10.8.0.1"}, {kOurs, 0, "10.9.0.3"}});
    auto* attribute =
        reinterpret_cast<nlattr*>(const_cast<nlmsghdr*>(&whole.get()) + 1) + sizeof(rtmsg) / sizeof(nlattr);
    ASSERT_EQ(mnl_attr_get_type(attribute), RTA_MULTIPATH);
    static_cast<rtnexthop*>(mnl_attr_get_payload(attribute))->rtnh_len = static_cast<std::uint16_t>(lie);
    parse_route(whole.get(), kOurs);
  }
}

std::optional<KernelNeighbour> neighbour(std::uint16_t state, bool with_mac = true, unsigned char flags = 0,
                                         std::size_t mac_size = sizeof(MacAddress)) {
  NetlinkMessage message(RTM_NEWNEIGH, 0);
  auto& header = message.put<ndmsg>();
  header.ndm_family = AF_INET;
  header.ndm_ifindex = kOurs;
  header.ndm_state = state;
  header.ndm_flags = flags;
  put_ip(message.header(), NDA_DST, "10.9.0.1");
  if (with_mac) mnl_attr_put(message.header(), NDA_LLADDR, mac_size, &kMac);
  return parse_neighbour(Exact(message).get());
}

TEST(ParseNeighbour, SortsTheKernelsStates) {
  for (const int state : {NUD_REACHABLE, NUD_DELAY, NUD_PROBE, NUD_PERMANENT, NUD_NOARP}) {
    const auto heard = neighbour(static_cast<std::uint16_t>(state));
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->state, NeighbourState::kUsable) << state;
    EXPECT_EQ(heard->mac, kMac);
    EXPECT_EQ(heard->index, kOurs);
    EXPECT_EQ(heard->address, ip("10.9.0.1"));
  }
  EXPECT_EQ(neighbour(NUD_STALE)->state, NeighbourState::kStale);
  EXPECT_EQ(neighbour(NUD_FAILED)->state, NeighbourState::kFailed);
  EXPECT_EQ(neighbour(NUD_INCOMPLETE, false)->state, NeighbourState::kResolving);
  EXPECT_EQ(neighbour(NUD_NONE, false)->state, NeighbourState::kFailed);
}

TEST(ParseNeighbour, NeedsAnEthernetAddressToBeUsable) {
  EXPECT_EQ(neighbour(NUD_REACHABLE, false)->state, NeighbourState::kFailed);
  EXPECT_EQ(neighbour(NUD_REACHABLE, true, 0, 4)->state, NeighbourState::kFailed);
}

TEST(ParseNeighbour, LeavesOutProxies) { EXPECT_FALSE(neighbour(NUD_PERMANENT, true, NTF_PROXY)); }

std::optional<KernelAddress> address(const char* local, const char* remote, std::uint32_t flags) {
  NetlinkMessage message(RTM_NEWADDR, 0);
  auto& header = message.put<ifaddrmsg>();
  header.ifa_family = ip(remote).index() == 0 ? AF_INET : AF_INET6;
  header.ifa_prefixlen = 24;
  header.ifa_index = kOurs;
  header.ifa_flags = static_cast<unsigned char>(flags);
  if (local != nullptr) put_ip(message.header(), IFA_LOCAL, local);
  put_ip(message.header(), IFA_ADDRESS, remote);
  mnl_attr_put_u32(message.header(), IFA_FLAGS, flags);
  return parse_address(Exact(message).get());
}

TEST(ParseAddress, PrefersOurEndOfAPointToPointLink) {
  EXPECT_EQ(address("10.9.0.2", "10.9.0.1", 0)->address, (InterfaceAddress{ip("10.9.0.2"), 24}));
  EXPECT_EQ(address(nullptr, "2001:db8::2", 0)->address, (InterfaceAddress{ip("2001:db8::2"), 24}));
}

TEST(ParseAddress, KnowsWhichMayBeASource) {
  EXPECT_TRUE(address(nullptr, "2001:db8::2", IFA_F_PERMANENT)->usable);
  EXPECT_TRUE(address(nullptr, "2001:db8::2", IFA_F_PERMANENT)->preferred);
  EXPECT_FALSE(address(nullptr, "2001:db8::2", IFA_F_TENTATIVE)->usable);
  EXPECT_FALSE(address(nullptr, "2001:db8::2", IFA_F_TENTATIVE | IFA_F_DADFAILED)->usable);
  EXPECT_TRUE(address(nullptr, "2001:db8::2", IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)->usable);
  EXPECT_FALSE(address(nullptr, "2001:db8::2", IFA_F_DEPRECATED)->preferred);
  EXPECT_FALSE(address("10.9.0.3", "10.9.0.3", IFA_F_SECONDARY)->preferred);
}

TEST(ParseLink, ReadsNameMacAndState) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  auto& header = message.put<ifinfomsg>();
  header.ifi_index = kOurs;
  header.ifi_flags = IFF_UP;
  mnl_attr_put_strz(message.header(), IFLA_IFNAME, "eth0");
  mnl_attr_put(message.header(), IFLA_ADDRESS, sizeof kMac, &kMac);
  EXPECT_EQ(parse_link(Exact(message).get()), (KernelLink{kOurs, "eth0", kMac, true, false}));
  header.ifi_family = AF_BRIDGE;  // a port leaves its bridge: the link itself is still there
  EXPECT_FALSE(parse_link(Exact(message).get()));
}

TEST(ParseLink, NeedsATerminatedName) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.put<ifinfomsg>();
  EXPECT_FALSE(parse_link(Exact(message).get()));
  mnl_attr_put(message.header(), IFLA_IFNAME, 4, "eth0");
  EXPECT_FALSE(parse_link(Exact(message).get()));
}

}  // namespace
}  // namespace isthmus::service
