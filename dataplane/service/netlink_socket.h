#pragma once
// One netlink socket: requests that wait for the kernel's whole answer, and events that never wait.

#include <libmnl/libmnl.h>

#include <functional>
#include <memory>
#include <span>
#include <system_error>
#include <vector>

namespace isthmus::service {

// A message under construction; large enough for every request of ours but the packet filter's.
class NetlinkMessage {
 public:
  NetlinkMessage(std::uint16_t type, std::uint16_t flags) : header_(mnl_nlmsg_put_header(bytes_)) {
    header_->nlmsg_type = type;
    header_->nlmsg_flags = flags;
  }
  NetlinkMessage(const NetlinkMessage&) = delete;
  NetlinkMessage& operator=(const NetlinkMessage&) = delete;

  // The family's fixed header, zeroed; attributes follow it.
  template <typename Header>
  Header& put() {
    return *static_cast<Header*>(mnl_nlmsg_put_extra_header(header_, sizeof(Header)));
  }
  nlmsghdr* header() { return header_; }

 private:
  alignas(nlmsghdr) char bytes_[1024];
  nlmsghdr* header_;
};

class NetlinkSocket {
 public:
  using Visit = std::function<void(const nlmsghdr&)>;

  // bus: NETLINK_ROUTE or NETLINK_NETFILTER; flags: SOCK_NONBLOCK or 0. Throws std::system_error.
  explicit NetlinkSocket(int bus, int flags = 0);

  int fd() const { return mnl_socket_get_fd(socket_.get()); }
  void join(unsigned group);
  // Best effort: room for a burst of events, or for one large batch.
  void enlarge_buffers(int bytes);

  // Sends the message with NLM_F_REQUEST and NLM_F_ACK and calls `visit` for every message of the answer, whether it is
  // a single one or a dump. EINTR: the kernel's state changed during the dump, which is therefore incomplete.
  std::error_code request(nlmsghdr* message, const Visit& visit = {});

  // Sends bytes as they are; the answers are left for receive().
  std::error_code send(std::span<const char> bytes);
  // Takes one datagram off the socket and visits its messages. EAGAIN: there is none; ENOBUFS: events were lost.
  std::error_code receive(const Visit& visit, bool wait = false);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };

  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<char> buffer_;
  unsigned sequence_ = 0;
};

// The code an error or end-of-dump message carries; 0 is success.
int netlink_status(const nlmsghdr& message);

}  // namespace isthmus::service
