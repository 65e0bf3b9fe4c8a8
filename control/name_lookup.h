#pragma once
// Asks the system for a host's addresses without waiting for them.
//
// The system's answer may take half a minute, or as long as a DNS server likes, and cannot be cancelled: so each lookup
// has a thread of its own, which nobody ever joins. Asio's own resolver would make every name wait behind the slowest
// one, and the daemon's end as well.

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "control/endpoint_policy.h"

namespace isthmus::control {

class NameLookup {
 public:
  // Called in the io_context's thread, once for each start().
  using Answered = std::function<void(const std::string& host, EndpointPolicy::Answer answer)>;

  NameLookup(boost::asio::io_context& io, Answered answered);
  // What is under way is forgotten.
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  void start(const std::string& host);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace isthmus::control
