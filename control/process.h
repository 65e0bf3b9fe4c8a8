#pragma once
// Another process, watched by a pidfd: one way for children and for programs that somebody else started.

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace isthmus::control {

class Process {
 public:
  // Starts a program in a session of its own, so that it survives us and our terminal, with our stdout and stderr and
  // no other descriptor. The error's text when it cannot be started.
  static std::variant<Process, std::string> start(boost::asio::io_context& io, const std::vector<std::string>& command);
  // Nothing when no such process exists.
  static std::optional<Process> adopt(boost::asio::io_context& io, pid_t pid);

  pid_t pid() const { return pid_; }
  bool running();
  // Returns when it has ended; a child is reaped.
  boost::asio::awaitable<void> ended();
  void send_signal(int signal);
  // After ended(): "exited with 1", "was killed by signal 9", or "ended" for a process that was not our child.
  const std::string& how_it_ended() const { return how_it_ended_; }

 private:
  Process(boost::asio::io_context& io, pid_t pid, int pidfd);
  void reap();

  pid_t pid_;
  boost::asio::posix::stream_descriptor pidfd_;
  std::string how_it_ended_ = "ended";
};

}  // namespace isthmus::control
