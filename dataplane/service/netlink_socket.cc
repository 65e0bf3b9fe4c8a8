#include "dataplane/service/netlink_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace isthmus::service {
namespace {

// The kernel fills dumps up to 32 KiB a datagram (netlink(7)).
constexpr std::size_t kReceiveBuffer = 64U << 10;

std::error_code last_error() { return {errno, std::system_category()}; }

}  // namespace

NetlinkSocket::NetlinkSocket(int bus, int flags) : socket_(mnl_socket_open2(bus, SOCK_CLOEXEC | flags)) {
  if (!socket_) throw std::system_error(last_error(), "cannot open a netlink socket");
  if (mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    throw std::system_error(last_error(), "cannot bind a netlink socket");
  }
  buffer_.resize(kReceiveBuffer);
  // Makes dumps honour the filter in their header. Kernels before 4.20 lack it; every answer is filtered here again.
  int strict = 1;
  if (bus == NETLINK_ROUTE) setsockopt(fd(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict, sizeof strict);
}

void NetlinkSocket::join(unsigned group) {
  int number = static_cast<int>(group);
  if (mnl_socket_setsockopt(socket_.get(), NETLINK_ADD_MEMBERSHIP, &number, sizeof number) < 0) {
    throw std::system_error(last_error(), "cannot follow the kernel's network events");
  }
}

void NetlinkSocket::enlarge_buffers(int bytes) {
  // The FORCE forms pass net.core.{r,w}mem_max and need CAP_NET_ADMIN; the others are the fallback without it.
  if (setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) {
    setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  if (setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0) {
    setsockopt(fd(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }
}

std::error_code NetlinkSocket::request(nlmsghdr* message, const Visit& visit) {
  message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
  message->nlmsg_seq = ++sequence_;
  if (auto error = send({reinterpret_cast<const char*>(message), message->nlmsg_len})) return error;

  bool done = false;
  bool interrupted = false;
  int status = 0;
  const auto take = [&](const nlmsghdr& answer) {
    if (answer.nlmsg_seq != sequence_) return;
    if (answer.nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
    if (answer.nlmsg_type == NLMSG_ERROR || answer.nlmsg_type == NLMSG_DONE) {
      done = true;
      status = netlink_status(answer);
    } else if (visit) {
      visit(answer);
    }
  };
  while (!done) {
    const auto error = receive(take, true);
    if (error && error.value() != EINTR) return error;
  }
  if (status == 0 && interrupted) status = EINTR;
  return {status, std::system_category()};
}

std::error_code NetlinkSocket::send(std::span<const char> bytes) {
  return mnl_socket_sendto(socket_.get(), bytes.data(), bytes.size()) < 0 ? last_error() : std::error_code{};
}

std::error_code NetlinkSocket::receive(const Visit& visit, bool wait) {
  const ssize_t size = recv(fd(), buffer_.data(), buffer_.size(), wait ? 0 : MSG_DONTWAIT);
  if (size < 0) return last_error();
  int left = static_cast<int>(size);
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(message, left);
       message = mnl_nlmsg_next(message, &left)) {
    visit(*message);
  }
  return {};
}

int netlink_status(const nlmsghdr& message) {
  // Both kinds begin their payload with the negated error number (netlink(7)); an end of dump may be empty.
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(int)) return 0;
  return -*static_cast<const int*>(mnl_nlmsg_get_payload(&message));
}

}  // namespace isthmus::service
