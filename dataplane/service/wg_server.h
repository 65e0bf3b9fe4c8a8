#pragma once
// The socket on which `wg` speaks with a device: requests and answers as text (config/wg_protocol.h).

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "dataplane/config/wg_protocol.h"

namespace isthmus::service {

// Runs in its io_context, on one thread. A client that is too slow, too long or silent is closed. Only the socket's
// owner may connect, as the kernel lets only CAP_NET_ADMIN read and change an interface: the file has mode 0600.
class WgServer {
 public:
  using Handler = std::function<config::SecretText(std::string_view request)>;

  struct Limits {
    std::size_t connections = 16;  // beyond these, a new one is closed at once
    std::size_t request = config::kMaxWgRequest;
    std::chrono::milliseconds message{5000};   // from a request's first byte to its last, and for an answer
    std::chrono::milliseconds silence{30000};  // until a request's first byte
  };

  // Listens when it returns. Throws std::runtime_error with a sentence for the administrator when it cannot.
  WgServer(boost::asio::io_context& io, std::string path, Handler handler, Limits limits);
  WgServer(boost::asio::io_context& io, std::string path, Handler handler);
  // Closes every connection and removes the socket file.
  ~WgServer();
  WgServer(const WgServer&) = delete;
  WgServer& operator=(const WgServer&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace isthmus::service
