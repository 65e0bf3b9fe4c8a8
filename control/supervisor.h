#pragma once
// Keeps one isthmus-dp running: starts it, adopts one that runs already, and starts another when it ends.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>

#include "control/api_client.h"
#include "control/process.h"

namespace isthmus::control {

class Supervisor {
 public:
  struct Options {
    std::string program;  // isthmus-dp
    std::string run_dir;  // holds dp.sock
  };

  // `answers` is called whenever a data plane begins to answer: it knows no configuration then, unless it was adopted.
  Supervisor(boost::asio::io_context& io, Options options, std::function<void()> answers);

  // Adopts a data plane that answers already. The error's text when something answers that we cannot work with.
  boost::asio::awaitable<std::optional<std::string>> adopt();
  // Until stop(): one data plane after the other.
  boost::asio::awaitable<void> run();
  // Ends the data plane: SIGTERM, and SIGKILL when that has not helped after 3 seconds. run() returns.
  boost::asio::awaitable<void> stop();
  // run() returns at the data plane's next end; until then it is left alone.
  void release() { stopping_ = true; }

  bool up() const { return up_; }
  std::uint64_t restarts() const { return restarts_; }
  const std::string& socket_path() const { return socket_; }

 private:
  boost::asio::awaitable<void> pause(std::chrono::milliseconds time);
  void start();
  boost::asio::awaitable<bool> wait_until_it_answers();
  boost::asio::awaitable<std::optional<Process>> process_behind_socket(std::uint64_t pid, std::int64_t started);
  boost::asio::awaitable<void> watch();

  boost::asio::io_context& io_;
  Options options_;
  std::string socket_;
  std::function<void()> answers_;
  std::optional<Process> process_;
  bool up_ = false;
  bool stopping_ = false;
  std::uint64_t restarts_ = 0;
};

}  // namespace isthmus::control
