#include "dataplane/service/super_frames.h"

#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string_view>
#include <system_error>

#include "dataplane/service/netlink_socket.h"

namespace isthmus::service {
namespace {

constexpr std::string_view kProgramName = "isthmus_pass";
static_assert(kProgramName.size() < BPF_OBJ_NAME_LEN);

int bpf(bpf_cmd command, bpf_attr& attribute) {
  return static_cast<int>(syscall(SYS_bpf, command, &attribute, sizeof attribute));
}

// r0 = XDP_PASS; exit. A descriptor, or -1 and errno.
int load_program(std::uint32_t flags) {
  const std::array<bpf_insn, 2> code{bpf_insn{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS},
                                     bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  bpf_attr attribute{};
  attribute.prog_type = BPF_PROG_TYPE_XDP;
  attribute.insn_cnt = code.size();
  attribute.insns = reinterpret_cast<std::uintptr_t>(code.data());
  attribute.license = reinterpret_cast<std::uintptr_t>("Dual BSD/GPL");
  attribute.prog_flags = flags;
  kProgramName.copy(attribute.prog_name, BPF_OBJ_NAME_LEN - 1);
  return bpf(BPF_PROG_LOAD, attribute);
}

// A descriptor of the program if it is ours, or -1.
int open_our_program(std::uint32_t id) {
  bpf_attr by_id{};
  by_id.prog_id = id;
  const int program = bpf(BPF_PROG_GET_FD_BY_ID, by_id);
  if (program < 0) return -1;
  bpf_prog_info info{};
  bpf_attr query{};
  query.info.bpf_fd = static_cast<std::uint32_t>(program);
  query.info.info_len = sizeof info;
  query.info.info = reinterpret_cast<std::uintptr_t>(&info);
  if (bpf(BPF_OBJ_GET_INFO_BY_FD, query) == 0 && kProgramName == info.name) return program;
  close(program);
  return -1;
}

struct LinkFacts {
  bool is_veth = false;
  std::uint32_t program_id = 0;  // of the XDP program attached now
};

LinkFacts read_link(NetlinkSocket& socket, unsigned index) {
  LinkFacts facts;
  NetlinkMessage message(RTM_GETLINK, 0);
  message.put<ifinfomsg>().ifi_index = static_cast<int>(index);
  const auto visit_xdp = [](const nlattr* attribute, void* data) {
    auto& id = static_cast<LinkFacts*>(data)->program_id;
    if (mnl_attr_get_type(attribute) == IFLA_XDP_PROG_ID && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0) {
      id = mnl_attr_get_u32(attribute);
    }
    return MNL_CB_OK;
  };
  const auto visit_info = [](const nlattr* attribute, void* data) {
    if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0) {
      static_cast<LinkFacts*>(data)->is_veth = std::string_view(mnl_attr_get_str(attribute)) == "veth";
    }
    return MNL_CB_OK;
  };
  struct Visitors {
    mnl_attr_cb_t xdp;
    mnl_attr_cb_t info;
    LinkFacts* facts;
  } visitors{visit_xdp, visit_info, &facts};
  const auto visit = [](const nlattr* attribute, void* data) {
    const auto& inner = *static_cast<Visitors*>(data);
    if (mnl_attr_get_type(attribute) == IFLA_XDP) mnl_attr_parse_nested(attribute, inner.xdp, inner.facts);
    if (mnl_attr_get_type(attribute) == IFLA_LINKINFO) mnl_attr_parse_nested(attribute, inner.info, inner.facts);
    return MNL_CB_OK;
  };
  socket.request(message.header(),
                 [&](const nlmsghdr& answer) { mnl_attr_parse(&answer, sizeof(ifinfomsg), visit, &visitors); });
  return facts;
}

// program -1 detaches. expected: the descriptor of the program that has to be attached now, -1 for none.
std::error_code set_program(NetlinkSocket& socket, unsigned index, int program, int expected) {
  NetlinkMessage message(RTM_SETLINK, 0);
  message.put<ifinfomsg>().ifi_index = static_cast<int>(index);
  nlattr* xdp = mnl_attr_nest_start(message.header(), IFLA_XDP);
  const std::uint32_t only_if = expected < 0 ? XDP_FLAGS_UPDATE_IF_NOEXIST : XDP_FLAGS_REPLACE;
  mnl_attr_put_u32(message.header(), IFLA_XDP_FD, static_cast<std::uint32_t>(program));
  mnl_attr_put_u32(message.header(), IFLA_XDP_FLAGS, XDP_FLAGS_DRV_MODE | only_if);
  if (expected >= 0) mnl_attr_put_u32(message.header(), IFLA_XDP_EXPECTED_FD, static_cast<std::uint32_t>(expected));
  mnl_attr_nest_end(message.header(), xdp);
  return socket.request(message.header());
}

// ETHTOOL_GGRO or ETHTOOL_SGRO; the value read, or -1.
int generic_receive_offload(const std::string& interface, std::uint32_t command, bool value) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ethtool_value request{command, value};
  ifreq call{};
  interface.copy(call.ifr_name, IFNAMSIZ - 1);
  call.ifr_data = reinterpret_cast<char*>(&request);
  const int result = ioctl(socket, SIOCETHTOOL, &call);
  close(socket);
  return result < 0 ? -1 : static_cast<int>(request.data);
}

}  // namespace

SuperFrameGuard::SuperFrameGuard(const std::string& interface)
    : interface_(interface), index_(if_nametoindex(interface.c_str())) {
  if (index_ == 0) {
    problem_ = "interface " + interface_ + " does not exist";
    return;
  }
  const bool glues = generic_receive_offload(interface_, ETHTOOL_GGRO, false) == 1;
  try {
    problem_ = attach();
  } catch (const std::exception& error) {
    problem_ = error.what();
  }
  if (!problem_.empty()) {
    problem_ +=
        "; packets larger than the MTU will be dropped: run `ethtool -K <interface> tso off gso off` at the other end "
        "of " +
        interface_;
  }
  restore_gro_ = glues;
  if (generic_receive_offload(interface_, ETHTOOL_SGRO, false) < 0 && glues) {
    problem_ += (problem_.empty() ? "" : "; ") +
                std::string("cannot switch off generic receive offload: run `ethtool -K ") + interface_ + " gro off`";
  }
}

SuperFrameGuard::~SuperFrameGuard() {
  detach();
  if (restore_gro_) generic_receive_offload(interface_, ETHTOOL_SGRO, true);
}

std::string SuperFrameGuard::attach() {
  NetlinkSocket socket(NETLINK_ROUTE);
  const LinkFacts facts = read_link(socket, index_);
  if (!facts.is_veth) return {};
  int predecessor = -1;
  if (facts.program_id != 0) {
    predecessor = open_our_program(facts.program_id);
    if (predecessor < 0) return "interface " + interface_ + " has an XDP program that is not ours";
  }
  std::error_code error{};
  // A program that knows of fragments is needed where the MTU exceeds a page; older kernels refuse to load it.
  for (const std::uint32_t flags : {0U, std::uint32_t{BPF_F_XDP_HAS_FRAGS}}) {
    program_ = load_program(flags);
    error = program_ < 0 ? std::error_code{errno, std::system_category()}
                         : set_program(socket, index_, program_, predecessor);
    if (!error) break;
    if (program_ >= 0) close(program_);
    program_ = -1;
  }
  if (predecessor >= 0) close(predecessor);
  if (!error) return {};
  const bool denied = error.value() == EPERM || error.value() == EACCES;
  return "cannot attach an XDP program to " + interface_ + ": " + error.message() +
         (denied ? " (needs CAP_BPF and CAP_NET_ADMIN)" : "");
}

void SuperFrameGuard::detach() {
  if (program_ < 0) return;
  try {
    NetlinkSocket socket(NETLINK_ROUTE);
    set_program(socket, index_, -1, program_);  // only if it is still ours that is attached
  } catch (const std::exception&) {
    // What stays attached passes everything, and our next start replaces it.
  }
  close(program_);
  program_ = -1;
}

}  // namespace isthmus::service
