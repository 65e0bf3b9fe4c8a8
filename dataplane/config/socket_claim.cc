#include "dataplane/config/socket_claim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace isthmus::config {
namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }
std::string reason() { return std::generic_category().message(errno); }

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    fail("socket path " + path + " is too long; use a directory so that it stays below " +
         std::to_string(sizeof address.sun_path) + " characters");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int unix_socket() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("cannot make a socket: " + reason());
  return fd;
}

bool somebody_answers(const std::string& path) {
  const sockaddr_un address = address_of(path);
  const int fd = unix_socket();
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::close(fd);
  return result == 0 || error == EAGAIN;  // EAGAIN: its backlog is full
}

// Whoever held the lock before may have removed its file between our open and our flock: ours is nobody's lock then.
bool is_still_at(int fd, const std::string& path) {
  struct stat ours {};
  struct stat named {};
  return ::fstat(fd, &ours) == 0 && ::lstat(path.c_str(), &named) == 0 && ours.st_dev == named.st_dev &&
         ours.st_ino == named.st_ino;
}

}  // namespace

SocketClaim::SocketClaim(std::string path) : path_(std::move(path)) {
  const std::string lock_path = path_ + ".lock";
  do {
    if (lock_ >= 0) ::close(lock_);
    lock_ = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock_ < 0) fail("cannot create " + lock_path + ": " + reason());
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      ::close(lock_);
      fail("another program already serves " + path_ + "; stop it first");
    }
  } while (!is_still_at(lock_, lock_path));
  try {
    remove_stale_socket();
  } catch (...) {
    ::close(lock_);
    throw;
  }
}

SocketClaim::~SocketClaim() {
  ::unlink(path_.c_str());
  ::unlink((path_ + ".lock").c_str());
  ::close(lock_);
}

void SocketClaim::remove_stale_socket() const {
  struct stat found {};
  if (::lstat(path_.c_str(), &found) != 0) return;
  if (!S_ISSOCK(found.st_mode)) fail(path_ + " exists and is not a socket; remove it or choose another directory");
  if (somebody_answers(path_)) fail("another program already answers on " + path_ + "; stop it first");
  if (::unlink(path_.c_str()) != 0) fail("cannot replace " + path_ + ": " + reason());
}

int SocketClaim::listen() const {
  const sockaddr_un address = address_of(path_);
  const int fd = unix_socket();
  // Linux gives the file the mode of the socket's own inode, so nobody can connect between bind and a later chmod.
  if (::fchmod(fd, 0600) != 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, SOMAXCONN) != 0) {
    const std::string why = reason();
    ::close(fd);
    fail("cannot listen on " + path_ + ": " + why);
  }
  return fd;
}

}  // namespace isthmus::config
