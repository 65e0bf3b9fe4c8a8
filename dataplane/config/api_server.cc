#include "dataplane/config/api_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>
#include <utility>

#include "dataplane/config/codec.h"
#include "dataplane/config/framed_stream.h"
#include "dataplane/config/log.h"
#include "dataplane/config/socket_claim.h"

namespace isthmus::config {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);

Response failure(std::string why) {
  Response response;
  response.error = std::move(why);
  return response;
}

// A plain function, as GCC 12 makes wrong code of an initializer list in a coroutine.
Response logged_failure(const std::string& why) {
  log_event(LogLevel::kError, "API request failed", {{"error", why}});
  return failure(why);
}

// Encoded, and short enough to be sent.
std::string encode_bounded(const Response& response) {
  std::string text = encode(response);
  if (text.size() > kMaxMessage) text = encode(failure("the answer is longer than the API's largest message"));
  return text;
}

}  // namespace

// Shared with the coroutines, which may still be suspended when the ApiServer goes.
struct ApiServer::State {
  State(asio::io_context& io, std::string path, AsyncHandler answer, const Limits& bounds)
      : handler(std::move(answer)),
        limits(bounds),
        claim(std::make_unique<SocketClaim>(std::move(path))),
        acceptor(io) {
    acceptor.assign(stream_protocol(), claim->listen());
  }

  void stop() {
    stopped = true;
    error_code ignored;
    acceptor.close(ignored);
    for (const std::shared_ptr<FramedStream>& connection : connections) connection->close();
    claim.reset();
  }

  AsyncHandler handler;
  Limits limits;
  std::unique_ptr<SocketClaim> claim;
  stream_protocol::acceptor acceptor;
  std::set<std::shared_ptr<FramedStream>> connections;
  bool stopped = false;

  asio::awaitable<Response> answer(const std::string& text) {
    std::variant<Request, CodecError> request = decode_request(text);
    if (const CodecError* error = std::get_if<CodecError>(&request)) co_return failure(error->message);
    Request& asked = std::get<Request>(request);
    if (asked.revision != kApiRevision) {
      co_return failure("the client speaks API revision " + std::to_string(asked.revision) + ", this program " +
                        std::to_string(kApiRevision) + "; use programs of one release");
    }
    std::string why;
    try {
      co_return co_await handler(std::move(asked));
    } catch (const std::exception& error) {
      why = error.what();
    }
    co_return logged_failure(why);
  }
};

namespace {

// `State` is private to ApiServer, so these take what they are given.
template <typename State>
asio::awaitable<void> serve(std::shared_ptr<State> state, std::shared_ptr<FramedStream> connection) {
  while (!state->stopped) {
    const std::optional<std::string> text = co_await connection->receive(state->limits.silence, state->limits.message);
    if (!text || state->stopped) break;
    const Response response = co_await state->answer(*text);
    if (state->stopped) break;
    if (!co_await connection->send(encode_bounded(response), state->limits.message)) break;
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
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(kResult);
      continue;
    }
    if (state->connections.size() >= state->limits.connections) continue;  // closes the new one
    auto connection = std::make_shared<FramedStream>(std::move(socket));
    state->connections.insert(connection);
    asio::co_spawn(state->acceptor.get_executor(), serve(state, std::move(connection)), asio::detached);
  }
}

}  // namespace

ApiServer::ApiServer(asio::io_context& io, std::string path, AsyncHandler handler, Limits limits)
    : state_(std::make_shared<State>(io, std::move(path), std::move(handler), limits)) {
  asio::co_spawn(io, accept_all(state_), asio::detached);
}

ApiServer::ApiServer(asio::io_context& io, std::string path, AsyncHandler handler)
    : ApiServer(io, std::move(path), std::move(handler), Limits{}) {}

ApiServer::ApiServer(asio::io_context& io, std::string path, Handler handler)
    : ApiServer(
          io, std::move(path),
          [handler = std::move(handler)](Request request) -> asio::awaitable<Response> { co_return handler(request); },
          Limits{}) {}

ApiServer::~ApiServer() { state_->stop(); }

std::size_t ApiServer::connections() const { return state_->connections.size(); }

}  // namespace isthmus::config
