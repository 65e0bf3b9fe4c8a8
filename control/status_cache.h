#pragma once
// What the data plane last said about itself.

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "control/counter_continuity.h"
#include "dataplane/config/api.h"

namespace isthmus::control {

class StatusCache {
 public:
  explicit StatusCache(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  // Asks unless the last answer is younger than `age`. True when what is held now is that young.
  boost::asio::awaitable<bool> refresh(std::chrono::milliseconds age);

  const std::optional<config::Status>& last() const { return last_; }  // as the data plane gave it
  const config::Status* continued() const { return last_ ? &continued_ : nullptr; }
  std::chrono::seconds age() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::string socket_path_;
  std::optional<config::Status> last_;
  config::Status continued_;
  CounterContinuity continuity_;
  Clock::time_point taken_;
};

}  // namespace isthmus::control
