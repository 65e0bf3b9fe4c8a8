#include "control/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <system_error>

extern char** environ;

namespace isthmus::control {
namespace {

// glibc 2.36 has the wrappers in a header of its own, older ones not at all.
int pidfd_open(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    // Asio's descriptors are not close-on-exec: a child that kept the metrics port would keep it from our successor.
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    sigset_t set;
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes_, &set);
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attributes_, &set);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  int spawn(pid_t& pid, const std::vector<std::string>& command) const {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    return posix_spawnp(&pid, arguments[0], &actions_, &attributes_, arguments.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Process::Process(boost::asio::io_context& io, pid_t pid, int pidfd) : pid_(pid), pidfd_(io, pidfd) {}

std::variant<Process, std::string> Process::start(boost::asio::io_context& io,
                                                  const std::vector<std::string>& command) {
  pid_t pid = 0;
  const int error = SpawnSettings().spawn(pid, command);
  if (error != 0) return "cannot start " + command.front() + ": " + std::generic_category().message(error);
  const int pidfd = pidfd_open(pid);  // a child that has ended already still has its number: nobody has reaped it
  if (pidfd < 0) return "cannot watch " + command.front() + ": " + std::generic_category().message(errno);
  return Process(io, pid, pidfd);
}

std::optional<Process> Process::adopt(boost::asio::io_context& io, pid_t pid) {
  const int pidfd = pid > 0 ? pidfd_open(pid) : -1;
  if (pidfd < 0) return std::nullopt;
  return Process(io, pid, pidfd);
}

bool Process::running() {
  pollfd entry{pidfd_.native_handle(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 0;
}

boost::asio::awaitable<void> Process::ended() {
  while (running()) {
    co_await pidfd_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                               boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  reap();
}

void Process::send_signal(int signal) { ::syscall(SYS_pidfd_send_signal, pidfd_.native_handle(), signal, nullptr, 0); }

void Process::reap() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return;  // not our child
  if (WIFEXITED(status)) how_it_ended_ = "exited with " + std::to_string(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) how_it_ended_ = "was killed by signal " + std::to_string(WTERMSIG(status));
}

}  // namespace isthmus::control
