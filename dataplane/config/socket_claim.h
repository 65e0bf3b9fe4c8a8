#pragma once
// The right to serve a Unix socket's path: held by one process at a time, lost with the process however it ends.

#include <string>

namespace isthmus::config {

// Holds an exclusive flock on PATH.lock, so that two programs that start at the same moment cannot both find the
// socket file stale and take it from each other. Both files are removed in the end.
class SocketClaim {
 public:
  // Throws std::runtime_error when another process holds it or a program without the lock answers on the socket.
  explicit SocketClaim(std::string path);
  ~SocketClaim();
  SocketClaim(const SocketClaim&) = delete;
  SocketClaim& operator=(const SocketClaim&) = delete;

  // A listening, non-blocking socket at the path, mode 0600 from its first moment. The caller closes it.
  int listen() const;

 private:
  void remove_stale_socket() const;

  std::string path_;
  int lock_ = -1;
};

}  // namespace isthmus::config
