#include "control/status_cache.h"

#include "control/api_client.h"

namespace isthmus::control {

boost::asio::awaitable<bool> StatusCache::refresh(std::chrono::milliseconds age) {
  constexpr std::chrono::milliseconds kAskTime{500};
  if (last_ && Clock::now() - taken_ < age) co_return true;
  const Clock::time_point asked = Clock::now();
  config::Request request;
  Answer answer = co_await async_ask(socket_path_, request, kAskTime);
  config::Response* response = std::get_if<config::Response>(&answer);
  if (response == nullptr || !response->status) co_return false;
  // Questions may overlap: an older answer must not replace a newer one, or counters would go backwards.
  if (last_ && asked < taken_) co_return true;
  taken_ = asked;
  last_ = std::move(response->status);
  continued_ = continuity_.absorb(*last_);
  co_return true;
}

std::chrono::seconds StatusCache::age() const {
  return std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - taken_);
}

}  // namespace isthmus::control
