#pragma once
// A small HTTP server for scrapers and probes: GET and nothing else.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "dataplane/packet/address.h"

namespace isthmus::control {

struct HttpReply {
  unsigned status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

class HttpServer {
 public:
  using Handler = std::function<boost::asio::awaitable<HttpReply>(std::string path)>;

  // Listens when it returns; throws std::runtime_error with a sentence for the administrator when it cannot.
  HttpServer(boost::asio::io_context& io, const Endpoint& endpoint, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace isthmus::control
