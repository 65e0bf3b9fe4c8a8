#pragma once
// Many reasons, one call: a function that runs once for a burst of requests.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace isthmus::service {

// Service thread only. The function never runs inside request() and never after the destructor.
class CoalescedCall {
 public:
  CoalescedCall(boost::asio::io_context& context, std::function<void()> function)
      : timer_(context), function_(std::move(function)) {}

  // The function runs after `delay`, or earlier if an earlier request still waits.
  void request(std::chrono::milliseconds delay) {
    if (*waiting_) return;
    *waiting_ = true;
    timer_.expires_after(delay);
    // A completed wait may already be queued when this object dies: the flag's owner tells.
    timer_.async_wait([this, alive = std::weak_ptr<bool>(waiting_)](const boost::system::error_code& error) {
      if (error || alive.expired()) return;
      *waiting_ = false;
      function_();
    });
  }

 private:
  boost::asio::steady_timer timer_;
  std::function<void()> function_;
  std::shared_ptr<bool> waiting_ = std::make_shared<bool>(false);
};

}  // namespace isthmus::service
