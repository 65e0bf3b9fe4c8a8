#pragma once
// Lets one coroutine of an event loop at a time through a part that suspends.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace isthmus::control {

// For one thread. Outlives its guards.
class AsyncLock {
 public:
  class Guard {
   public:
    explicit Guard(AsyncLock& lock) : lock_(&lock) {}
    Guard(Guard&& other) noexcept : lock_(other.lock_) { other.lock_ = nullptr; }
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (lock_ != nullptr) lock_->release();
    }

   private:
    AsyncLock* lock_;
  };

  explicit AsyncLock(boost::asio::io_context& io) : free_(io) { free_.expires_at(Timer::time_point::max()); }

  boost::asio::awaitable<Guard> acquire() {
    while (held_) co_await free_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    held_ = true;
    co_return Guard(*this);
  }

 private:
  using Timer = boost::asio::steady_timer;

  void release() {
    held_ = false;
    free_.cancel_one();
  }

  Timer free_;  // never expires: being cancelled is the signal
  bool held_ = false;
};

}  // namespace isthmus::control
