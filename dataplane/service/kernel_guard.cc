#include "dataplane/service/kernel_guard.h"

#include <netinet/in.h>  // before the kernel's headers, which else define the same structs

#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "dataplane/packet/byte_order.h"
#include "dataplane/packet/headers.h"
#include "dataplane/service/netlink_socket.h"

namespace isthmus::service {
namespace {

constexpr const char* kChain = "prerouting";
constexpr const char* kSet = "destinations";
constexpr std::uint32_t kSetId = 1;             // names the set within the transaction that creates it
constexpr std::uint32_t kIpv4AddressType = 7;   // nft's number of ipv4_addr, so that `nft list` prints addresses
constexpr std::size_t kRangesPerMessage = 256;  // a list of elements is one attribute: 64 KiB at most
constexpr std::size_t kLargestMessage = 64U << 10;

// A libnftnl object and the function that frees it.
template <auto kFree>
struct Free {
  template <typename Object>
  void operator()(Object* object) const {
    kFree(object);
  }
};
using Table = std::unique_ptr<nftnl_table, Free<nftnl_table_free>>;
using Chain = std::unique_ptr<nftnl_chain, Free<nftnl_chain_free>>;
using Set = std::unique_ptr<nftnl_set, Free<nftnl_set_free>>;
using Rule = std::unique_ptr<nftnl_rule, Free<nftnl_rule_free>>;

// libnftnl fails when memory ends and never otherwise.
template <typename Object>
Object* allocated(Object* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

// One transaction: the kernel does all of it or nothing.
class Transaction {
 public:
  Transaction() {
    nftnl_batch_begin(next("begin the transaction"), sequence_);
    finish();
  }

  // build(nlmsghdr*) adds the message's attributes.
  template <typename Build>
  void add(std::uint16_t type, std::uint16_t flags, std::string what, Build build) {
    nlmsghdr* header = nftnl_nlmsg_build_hdr(next(std::move(what)), type, NFPROTO_INET, flags, sequence_);
    build(header);
    finish();
  }

  // Nothing, or what failed and why. Refusals arrive while the kernel works on what was sent, before it returns.
  struct Refusal {
    std::error_code error;
    std::string what;
  };
  Refusal commit() {
    nftnl_batch_end(next("end the transaction"), sequence_);
    finish();
    NetlinkSocket socket(NETLINK_NETFILTER);
    socket.enlarge_buffers(static_cast<int>(bytes_.size() + kLargestMessage));
    if (const auto error = socket.send(bytes_)) return {error, "send the rules"};
    Refusal first;
    const auto take = [&](const nlmsghdr& answer) {
      if (answer.nlmsg_type != NLMSG_ERROR || netlink_status(answer) == 0 || first.error) return;
      const bool known = answer.nlmsg_seq < steps_.size();
      first = {{netlink_status(answer), std::system_category()}, known ? steps_[answer.nlmsg_seq] : "commit"};
    };
    while (!socket.receive(take)) {
    }
    return first;
  }

 private:
  char* next(std::string what) {
    sequence_ = static_cast<std::uint32_t>(steps_.size());
    steps_.push_back(std::move(what));
    start_ = bytes_.size();
    bytes_.resize(start_ + kLargestMessage);
    return bytes_.data() + start_;
  }
  void finish() {
    const auto* header = reinterpret_cast<const nlmsghdr*>(bytes_.data() + start_);
    bytes_.resize(start_ + MNL_ALIGN(header->nlmsg_len));
  }

  std::vector<char> bytes_;
  std::vector<std::string> steps_;  // by sequence number
  std::uint32_t sequence_ = 0;
  std::size_t start_ = 0;
};

// A rule as a sentence: each call adds a condition or the verdict.
class RuleBuilder {
 public:
  explicit RuleBuilder(const std::string& table) : rule_(allocated(nftnl_rule_alloc())) {
    nftnl_rule_set_u32(rule_.get(), NFTNL_RULE_FAMILY, NFPROTO_INET);
    nftnl_rule_set_str(rule_.get(), NFTNL_RULE_TABLE, table.c_str());
    nftnl_rule_set_str(rule_.get(), NFTNL_RULE_CHAIN, kChain);
  }
  RuleBuilder& from_interface(const std::string& name) {
    assert(name.size() < IFNAMSIZ);
    std::array<char, IFNAMSIZ> padded{};  // compared whole, so that "eth1" is not "eth10"
    std::copy(name.begin(), name.end(), padded.begin());
    meta(NFT_META_IIFNAME);
    return equals(padded.data(), padded.size());
  }
  RuleBuilder& family(std::uint8_t protocol) {
    meta(NFT_META_NFPROTO);
    return equals(&protocol, sizeof protocol);
  }
  RuleBuilder& protocol(IpProtocol protocol) {
    meta(NFT_META_L4PROTO);
    return equals(&protocol, sizeof protocol);
  }
  RuleBuilder& destination_port(std::uint16_t port) {
    payload(NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(UdpHeader, destination_port), sizeof(Big16));
    const Big16 value = port;
    return equals(&value, sizeof value);
  }
  RuleBuilder& destination_in_set() {
    payload(NFT_PAYLOAD_NETWORK_HEADER, offsetof(Ipv4Header, destination), sizeof(Big32));
    auto* lookup = expression("lookup");
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
    nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, kSet);
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SET_ID, kSetId);
    return *this;
  }
  nftnl_rule* counter_drop() {
    expression("counter");
    auto* verdict = expression("immediate");
    nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, NF_DROP);
    return rule_.get();
  }

 private:
  nftnl_expr* expression(const char* name) {
    auto* added = allocated(nftnl_expr_alloc(name));
    nftnl_rule_add_expr(rule_.get(), added);
    return added;
  }
  void meta(std::uint32_t key) {
    auto* load = expression("meta");
    nftnl_expr_set_u32(load, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(load, NFTNL_EXPR_META_DREG, NFT_REG_1);
  }
  void payload(std::uint32_t base, std::size_t offset, std::size_t length) {
    auto* load = expression("payload");
    nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_OFFSET, static_cast<std::uint32_t>(offset));
    nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_LEN, static_cast<std::uint32_t>(length));
    nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
  }
  RuleBuilder& equals(const void* value, std::size_t size) {
    auto* compare = expression("cmp");
    nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
    nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, value, static_cast<std::uint32_t>(size));
    return *this;
  }

  Rule rule_;
};

void add_table(Transaction& transaction, const std::string& name, std::uint16_t type, const char* what) {
  const Table table(allocated(nftnl_table_alloc()));
  nftnl_table_set_u32(table.get(), NFTNL_TABLE_FAMILY, NFPROTO_INET);
  nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, name.c_str());
  const auto flags = static_cast<std::uint16_t>(type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
  transaction.add(type, flags, what, [&](nlmsghdr* header) { nftnl_table_nlmsg_build_payload(header, table.get()); });
}

void add_chain(Transaction& transaction, const std::string& table) {
  const Chain chain(allocated(nftnl_chain_alloc()));
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_FAMILY, NFPROTO_INET);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, table.c_str());
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, kChain);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, "filter");
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, NF_INET_PRE_ROUTING);
  nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, NF_IP_PRI_RAW);
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  transaction.add(NFT_MSG_NEWCHAIN, NLM_F_CREATE, "add the chain",
                  [&](nlmsghdr* header) { nftnl_chain_nlmsg_build_payload(header, chain.get()); });
}

void add_rule(Transaction& transaction, nftnl_rule* rule, const std::string& what) {
  transaction.add(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, "add the rule for " + what,
                  [&](nlmsghdr* header) { nftnl_rule_nlmsg_build_payload(header, rule); });
}

Set make_set(const std::string& table) {
  Set set(allocated(nftnl_set_alloc()));
  nftnl_set_set_u32(set.get(), NFTNL_SET_FAMILY, NFPROTO_INET);
  nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table.c_str());
  nftnl_set_set_str(set.get(), NFTNL_SET_NAME, kSet);
  nftnl_set_set_u32(set.get(), NFTNL_SET_ID, kSetId);
  return set;
}

// An interval set lists where an interval begins and, flagged, the first address behind it.
void add_bound(nftnl_set* set, std::uint32_t address, bool is_end) {
  auto* element = allocated(nftnl_set_elem_alloc());
  const Big32 key = address;
  nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, &key, sizeof key);
  if (is_end) nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
  nftnl_set_elem_add(set, element);
}

void add_destinations(Transaction& transaction, const std::string& table, std::span<const AddressRange> ranges) {
  const Set set = make_set(table);
  nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, NFT_SET_INTERVAL);
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, kIpv4AddressType);
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, sizeof(Big32));
  transaction.add(NFT_MSG_NEWSET, NLM_F_CREATE, "add the set of destinations",
                  [&](nlmsghdr* header) { nftnl_set_nlmsg_build_payload(header, set.get()); });
  while (!ranges.empty()) {
    const auto chunk = ranges.first(std::min(ranges.size(), kRangesPerMessage));
    const Set elements = make_set(table);
    for (const AddressRange& range : chunk) {
      add_bound(elements.get(), range.first.value, false);
      if (range.last.value != ~std::uint32_t{0}) add_bound(elements.get(), range.last.value + 1, true);
    }
    transaction.add(NFT_MSG_NEWSETELEM, NLM_F_CREATE, "add destinations from " + to_string(chunk[0].first) + " on",
                    [&](nlmsghdr* header) { nftnl_set_elems_nlmsg_build_payload(header, elements.get()); });
    ranges = ranges.subspan(chunk.size());
  }
}

std::string advice(const std::error_code& error) {
  if (error.value() == EPERM) return " (needs CAP_NET_ADMIN in this network namespace)";
  if (error.value() == EOPNOTSUPP || error.value() == EPROTONOSUPPORT) return " (does this kernel have nf_tables?)";
  return {};
}

void commit(Transaction& transaction, const std::string& table) {
  const auto refusal = transaction.commit();
  if (!refusal.error) return;
  throw std::system_error(refusal.error,
                          "nftables table inet " + table + ": cannot " + refusal.what + advice(refusal.error));
}

}  // namespace

KernelGuard::KernelGuard(const std::string& name) : table_(guard_table_name(name)) {}

KernelGuard::~KernelGuard() {
  try {
    if (installed_) remove();
  } catch (const std::exception&) {
    // What is left behind drops only what is ours, and the next install() replaces it.
  }
}

void KernelGuard::install(const GuardRules& rules) {
  Transaction transaction;
  // Whatever a predecessor left goes in the same transaction; a deletion of nothing would fail, so it exists first.
  add_table(transaction, table_, NFT_MSG_NEWTABLE, "add the table");
  add_table(transaction, table_, NFT_MSG_DELTABLE, "delete the old table");
  add_table(transaction, table_, NFT_MSG_NEWTABLE, "add the table");
  add_chain(transaction, table_);
  if (!rules.underlay_interface.empty()) {
    for (const std::uint16_t port : rules.udp_ports) {
      RuleBuilder rule(table_);
      add_rule(transaction,
               rule.from_interface(rules.underlay_interface)
                   .protocol(IpProtocol::kUdp)
                   .destination_port(port)
                   .counter_drop(),
               "UDP port " + std::to_string(port));
    }
  }
  if (!rules.cluster_interface.empty() && !rules.destinations.empty()) {
    add_destinations(transaction, table_, merge(rules.destinations));
    RuleBuilder rule(table_);
    add_rule(transaction,
             rule.from_interface(rules.cluster_interface).family(NFPROTO_IPV4).destination_in_set().counter_drop(),
             "destinations");
  }
  commit(transaction, table_);
  installed_ = true;
}

void KernelGuard::remove() {
  Transaction transaction;
  add_table(transaction, table_, NFT_MSG_NEWTABLE, "find the table");
  add_table(transaction, table_, NFT_MSG_DELTABLE, "delete the table");
  commit(transaction, table_);
  installed_ = false;
}

std::vector<AddressRange> merge(std::span<const Ipv4Prefix> prefixes) {
  std::vector<AddressRange> ranges;
  for (const Ipv4Prefix& prefix : prefixes) {
    ranges.push_back({prefix.network, {prefix.network.value | ~prefix.mask()}});
  }
  std::sort(ranges.begin(), ranges.end());
  std::vector<AddressRange> merged;
  for (const AddressRange& range : ranges) {
    const bool joins = !merged.empty() && range.first.value <= std::uint64_t{merged.back().last.value} + 1;
    if (!joins) {
      merged.push_back(range);
    } else {
      merged.back().last = std::max(merged.back().last, range.last);
    }
  }
  return merged;
}

std::string guard_table_name(const std::string& name) {
  std::string table = "isthmus_" + name;
  for (char& c : table) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!plain) c = '_';
  }
  table.resize(std::min<std::size_t>(table.size(), NFT_TABLE_MAXNAMELEN - 1));
  return table;
}

}  // namespace isthmus::service
