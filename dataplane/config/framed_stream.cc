#include "dataplane/config/framed_stream.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "dataplane/config/framing.h"

namespace isthmus::config {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {
constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
}

asio::awaitable<std::optional<std::string>> FramedStream::connect(const std::string& path, Time time) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) co_return "the socket's path is too long";
  close_after(time);
  const asio::local::stream_protocol::endpoint endpoint(path);
  const auto [error] = co_await socket_.async_connect(endpoint, kResult);
  deadline_.cancel();
  if (error) co_return timed_out_ ? "no answer in time" : error.message();
  co_return std::nullopt;
}

asio::awaitable<std::optional<std::string>> FramedStream::receive(Time silence, Time message) {
  FrameHeader header{};
  close_after(silence);
  if (!co_await fill(header.data(), 1)) co_return std::nullopt;
  close_after(message);
  if (!co_await fill(header.data() + 1, header.size() - 1)) co_return std::nullopt;
  const std::optional<std::uint32_t> length = frame_length(header);
  if (!length) co_return std::nullopt;
  std::string text;
  while (text.size() < *length) {
    const std::size_t had = text.size();
    text.resize(std::min<std::size_t>(*length, had + kFramePiece));
    if (!co_await fill(text.data() + had, text.size() - had)) co_return std::nullopt;
  }
  deadline_.cancel();
  co_return text;
}

asio::awaitable<bool> FramedStream::send(const std::string& text, Time time) {
  const std::string framed = frame(text);
  close_after(time);
  const auto [error, count] = co_await asio::async_write(socket_, asio::buffer(framed), kResult);
  deadline_.cancel();
  co_return !error;
}

void FramedStream::close() {
  error_code ignored;
  deadline_.cancel();
  socket_.close(ignored);
}

asio::awaitable<bool> FramedStream::fill(void* data, std::size_t size) {
  const auto [error, count] = co_await asio::async_read(socket_, asio::buffer(data, size), kResult);
  co_return !error;
}

void FramedStream::close_after(Time time) {
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this()](error_code error) {
    const auto stream = weak.lock();
    // A wait that had already ended when the deadline was moved reports success: only the clock tells.
    if (error || !stream || stream->deadline_.expiry() > asio::steady_timer::clock_type::now()) return;
    stream->timed_out_ = true;
    stream->close();
  });
}

}  // namespace isthmus::config
