#pragma once
// Keeps the data plane's endpoints where the names in the document lead. The data plane itself never looks up a name:
// it shares its memory with keys, and must not wait.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>

#include "control/endpoint_policy.h"
#include "control/name_lookup.h"

namespace isthmus::control {

class EndpointResolver {
 public:
  // `news` is called when step() has something to do before its time.
  EndpointResolver(boost::asio::io_context& io, std::string data_plane_socket, std::function<void()> news);

  // The data plane runs this document.
  void follow(const config::DesiredState& state);
  bool idle() const { return policy_.idle(); }
  // Starts the lookups that are due, and tells the data plane what earlier ones brought. Once a second, or after news.
  boost::asio::awaitable<void> step(const config::Status& status);
  // Puts into a data plane's status what only we know.
  void explain(config::Status& status) const;

 private:
  boost::asio::awaitable<bool> give(config::EndpointRequest request);
  void log_notices();

  std::string socket_;
  std::function<void()> news_;
  EndpointPolicy policy_;
  NameLookup lookup_;
};

}  // namespace isthmus::control
