#pragma once
// Coroutines that nobody waits for.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <utility>

#include "dataplane/config/log.h"

namespace isthmus::control {

// An exception that nobody expected ends the daemon instead of leaving it half alive: the data plane forwards on, and
// whoever looks after the daemon starts another.
[[noreturn]] inline void die(const char* why) {
  config::log_event(config::LogLevel::kError, "unexpected error", {{"error", why}});
  std::terminate();
}

inline boost::asio::awaitable<void> or_terminate(boost::asio::awaitable<void> task) {
  try {
    co_await std::move(task);
  } catch (const std::exception& error) {
    die(error.what());
  }
}

inline void spawn(boost::asio::io_context& io, boost::asio::awaitable<void> task) {
  boost::asio::co_spawn(io, or_terminate(std::move(task)), boost::asio::detached);
}

}  // namespace isthmus::control
