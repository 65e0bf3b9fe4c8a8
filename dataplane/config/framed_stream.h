#pragma once
// One connection of the API, seen from either end: whole messages, each with a deadline.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace isthmus::config {

// One coroutine at a time. After a failure the connection is closed and of no further use.
class FramedStream : public std::enable_shared_from_this<FramedStream> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;
  using Time = std::chrono::milliseconds;

  explicit FramedStream(Socket socket) : socket_(std::move(socket)), deadline_(socket_.get_executor()) {}

  // The error's text, or nothing when the connection stands.
  boost::asio::awaitable<std::optional<std::string>> connect(const std::string& path, Time time);
  // Nothing when the other side closed, was too slow or announced more than kMaxMessage. `silence` is the time until
  // the first byte, `message` the time from there to the last.
  boost::asio::awaitable<std::optional<std::string>> receive(Time silence, Time message);
  // text is at most kMaxMessage long.
  boost::asio::awaitable<bool> send(const std::string& text, Time time);

  void close();
  bool timed_out() const { return timed_out_; }

 private:
  boost::asio::awaitable<bool> fill(void* data, std::size_t size);
  // Closing the socket ends whatever operation waits on it.
  void close_after(Time time);

  Socket socket_;
  boost::asio::steady_timer deadline_;
  bool timed_out_ = false;
};

}  // namespace isthmus::config
