#include "control/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <stdexcept>

namespace isthmus::control {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr auto kRequestTime = 5s;
constexpr std::size_t kMaxConnections = 64;
constexpr std::uint32_t kMaxHeader = 8192;

tcp::endpoint tcp_endpoint(const Endpoint& endpoint) {
  if (const Ipv4Address* v4 = std::get_if<Ipv4Address>(&endpoint.address)) {
    return {asio::ip::address_v4(v4->value), endpoint.port};
  }
  return {asio::ip::address_v6(std::get<Ipv6Address>(endpoint.address).bytes), endpoint.port};
}

using Reply = http::response<http::string_body>;

Reply make_reply(const http::request<http::empty_body>& request, HttpReply reply) {
  Reply response(static_cast<http::status>(reply.status), request.version());
  response.set(http::field::content_type, reply.content_type);
  response.set(http::field::cache_control, "no-store");
  response.keep_alive(request.keep_alive());
  response.body() = std::move(reply.body);
  response.prepare_payload();
  return response;
}

}  // namespace

// Shared with the coroutines, which may still be suspended when the HttpServer goes.
struct HttpServer::State {
  State(asio::io_context& io, const Endpoint& endpoint, Handler answer) : handler(std::move(answer)), acceptor(io) {
    try {
      const tcp::endpoint local = tcp_endpoint(endpoint);
      acceptor.open(local.protocol());
      acceptor.set_option(tcp::acceptor::reuse_address(true));
      acceptor.bind(local);
      acceptor.listen();
    } catch (const boost::system::system_error& error) {
      throw std::runtime_error("cannot serve metrics on " + to_string(endpoint) + ": " + error.code().message());
    }
  }

  Handler handler;
  tcp::acceptor acceptor;
  std::size_t connections = 0;
  bool stopped = false;
};

namespace {

HttpReply only_get() { return {405, "only GET is answered here\n"}; }

asio::awaitable<HttpReply> reply_to(const HttpServer::Handler& handler,
                                    const http::request<http::empty_body>& request) {
  if (request.method() != http::verb::get) co_return only_get();
  std::string path(request.target());
  path.resize(std::min(path.find('?'), path.size()));
  co_return co_await handler(std::move(path));
}

template <typename State>
asio::awaitable<void> serve(std::shared_ptr<State> state, beast::tcp_stream stream) {
  beast::flat_buffer buffer(kMaxHeader);
  bool open = true;
  while (open && !state->stopped) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(kMaxHeader);
    stream.expires_after(kRequestTime);
    const auto [read_error, read_count] = co_await http::async_read(stream, buffer, parser, kResult);
    if (read_error || state->stopped) break;
    HttpReply reply = co_await reply_to(state->handler, parser.get());
    const Reply response = make_reply(parser.get(), std::move(reply));
    stream.expires_after(kRequestTime);
    const auto [write_error, write_count] = co_await http::async_write(stream, response, kResult);
    open = !write_error && response.keep_alive();
  }
  --state->connections;
}

template <typename State>
asio::awaitable<void> accept_all(std::shared_ptr<State> state) {
  asio::steady_timer pause(state->acceptor.get_executor());
  while (!state->stopped) {
    auto [error, socket] = co_await state->acceptor.async_accept(kResult);
    if (state->stopped) break;
    if (error) {  // out of descriptors, most likely: let some connections end first
      pause.expires_after(100ms);
      co_await pause.async_wait(kResult);
      continue;
    }
    if (state->connections >= kMaxConnections) continue;  // closes the new one
    ++state->connections;
    asio::co_spawn(state->acceptor.get_executor(), serve(state, beast::tcp_stream(std::move(socket))), asio::detached);
  }
}

}  // namespace

HttpServer::HttpServer(asio::io_context& io, const Endpoint& endpoint, Handler handler)
    : state_(std::make_shared<State>(io, endpoint, std::move(handler))) {
  asio::co_spawn(io, accept_all(state_), asio::detached);
}

HttpServer::~HttpServer() {
  state_->stopped = true;
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
}

}  // namespace isthmus::control
