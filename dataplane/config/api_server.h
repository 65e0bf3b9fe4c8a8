#pragma once
// The server's side of the API socket (api.h): isthmusd and isthmus-dp answer with the same one.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "dataplane/config/api.h"

namespace isthmus::config {

// Runs in its io_context, on one thread. A connection costs at most kMaxMessage of memory in each direction; a client
// that is too slow, too long or silent is closed. Only the socket's owner may connect: the file has mode 0600.
class ApiServer {
 public:
  using Handler = std::function<Response(const Request&)>;
  // For a handler that has to ask somebody else first. Requests of different connections may then overlap.
  using AsyncHandler = std::function<boost::asio::awaitable<Response>(Request)>;

  struct Limits {
    std::size_t connections = 64;               // beyond these, a new one is closed at once
    std::chrono::milliseconds message{5000};    // from a message's first byte to its last, in either direction
    std::chrono::milliseconds silence{300000};  // between two requests
  };

  // Listens when it returns. Throws std::runtime_error with a sentence for the administrator when it cannot: the
  // directory is missing, or somebody else serves this path. A socket file that nobody serves is replaced.
  // The handler is called only for requests of our revision, and its exceptions become Response::error.
  ApiServer(boost::asio::io_context& io, std::string path, Handler handler);
  ApiServer(boost::asio::io_context& io, std::string path, AsyncHandler handler);
  ApiServer(boost::asio::io_context& io, std::string path, AsyncHandler handler, Limits limits);
  // Closes every connection and removes the socket file. A handler that is suspended then is not resumed into this
  // object, but what it uses itself has to outlive the io_context.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  std::size_t connections() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace isthmus::config
