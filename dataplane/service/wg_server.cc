#include "dataplane/service/wg_server.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <exception>
#include <set>
#include <utility>

#include "dataplane/config/log.h"
#include "dataplane/config/socket_claim.h"

namespace isthmus::service {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;
using config::SecretText;
using Time = std::chrono::milliseconds;

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPiece = 16U << 10;

// One client. After a failure the connection is closed and of no further use.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(stream_protocol::socket socket) : socket_(std::move(socket)), deadline_(socket_.get_executor()) {}

  // The next request with its blank line; nothing when the client closed, was too slow or said too much.
  asio::awaitable<std::optional<SecretText>> receive(const WgServer::Limits& limits) {
    close_after(text_.empty() ? limits.silence : limits.message);
    for (std::size_t looked_at = 0;;) {
      if (const std::size_t length = request_length(looked_at); length != 0) co_return take(length);
      looked_at = text_.size();
      if (looked_at >= limits.request) co_return std::nullopt;
      text_.resize(looked_at + kPiece);
      const auto [error, count] =
          co_await socket_.async_read_some(asio::buffer(text_.data() + looked_at, kPiece), kResult);
      text_.resize(looked_at + count);
      if (error) co_return std::nullopt;
      if (looked_at == 0) close_after(limits.message);
    }
  }

  asio::awaitable<bool> send(const SecretText& text, Time time) {
    close_after(time);
    const auto [error, count] = co_await asio::async_write(socket_, asio::buffer(text.data(), text.size()), kResult);
    deadline_.cancel();
    co_return !error;
  }

  void close() {
    error_code ignored;
    deadline_.cancel();
    socket_.close(ignored);
  }

 private:
  // 0: it has not ended yet. A blank line at the very beginning is a request too, and a wrong one.
  std::size_t request_length(std::size_t looked_at) const {
    if (text_.starts_with('\n')) return 1;
    const std::size_t end = text_.find("\n\n", looked_at - std::min<std::size_t>(looked_at, 1));
    return end == SecretText::npos ? 0 : end + 2;
  }

  SecretText take(std::size_t length) {
    deadline_.cancel();
    SecretText rest = text_.substr(length);
    text_.resize(length);
    return std::exchange(text_, std::move(rest));
  }

  // Closing the socket ends whatever operation waits on it.
  void close_after(Time time) {
    deadline_.expires_after(time);
    deadline_.async_wait([weak = weak_from_this()](error_code error) {
      const auto connection = weak.lock();
      // A wait that had already ended when the deadline was moved reports success: only the clock tells.
      if (error || !connection || connection->deadline_.expiry() > asio::steady_timer::clock_type::now()) return;
      connection->close();
    });
  }

  stream_protocol::socket socket_;
  asio::steady_timer deadline_;
  SecretText text_;  // came, and was not taken yet
};

}  // namespace

// Shared with the coroutines, which may still be suspended when the WgServer goes.
struct WgServer::State {
  State(asio::io_context& io, std::string path, Handler answer, const Limits& bounds)
      : handler(std::move(answer)),
        limits(bounds),
        claim(std::make_unique<config::SocketClaim>(std::move(path))),
        acceptor(io) {
    acceptor.assign(stream_protocol(), claim->listen());
  }

  void stop() {
    stopped = true;
    error_code ignored;
    acceptor.close(ignored);
    for (const std::shared_ptr<Connection>& connection : connections) connection->close();
    claim.reset();
  }

  Handler handler;
  Limits limits;
  std::unique_ptr<config::SocketClaim> claim;
  stream_protocol::acceptor acceptor;
  std::set<std::shared_ptr<Connection>> connections;
  bool stopped = false;
};

namespace {

SecretText answer(const WgServer::Handler& handler, const SecretText& request) {
  try {
    return handler(request);
  } catch (const std::exception& error) {
    config::log_event(config::LogLevel::kError, "a request of wg failed", {{"error", error.what()}});
    return config::wg_answer(EIO);
  }
}

// `State` is private to WgServer, so these take what they are given.
template <typename State>
asio::awaitable<void> serve(std::shared_ptr<State> state, std::shared_ptr<Connection> connection) {
  while (!state->stopped) {
    const std::optional<SecretText> request = co_await connection->receive(state->limits);
    if (!request || state->stopped) break;
    const SecretText text = answer(state->handler, *request);
    if (!co_await connection->send(text, state->limits.message)) break;
  }
  connection->close();
  state->connections.erase(connection);
}

template <typename State>
asio::awaitable<void> accept_all(std::shared_ptr<State> state) {
  asio::steady_timer pause(state->acceptor.get_executor());
  while (!state->stopped) {
    auto [error, socket] = co_await state->acceptor.async_accept(kResult);
    if (state->stopped) break;
    if (error) {  // out of descriptors, most likely: let some connections end first
      pause.expires_after(Time(100));
      co_await pause.async_wait(kResult);
      continue;
    }
    if (state->connections.size() >= state->limits.connections) continue;  // closes the new one
    auto connection = std::make_shared<Connection>(std::move(socket));
    state->connections.insert(connection);
    asio::co_spawn(state->acceptor.get_executor(), serve(state, std::move(connection)), asio::detached);
  }
}

}  // namespace

WgServer::WgServer(asio::io_context& io, std::string path, Handler handler, Limits limits)
    : state_(std::make_shared<State>(io, std::move(path), std::move(handler), limits)) {
  asio::co_spawn(io, accept_all(state_), asio::detached);
}

WgServer::WgServer(asio::io_context& io, std::string path, Handler handler)
    : WgServer(io, std::move(path), std::move(handler), Limits{}) {}

WgServer::~WgServer() { state_->stop(); }

}  // namespace isthmus::service
