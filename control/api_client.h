#pragma once
// The client's side of the API socket: one question, one answer, in a given time.

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>
#include <variant>

#include "dataplane/config/api.h"

namespace isthmus::control {

struct ApiFailure {
  enum class Kind {
    kUnreachable,  // nobody listens, or we may not connect
    kNoAnswer,     // somebody listens, but the connection broke or time ran out
    kRevision,     // an answer of another release
    kMalformed,    // an answer that is none
  };
  Kind kind = Kind::kUnreachable;
  std::string message;
};

using Answer = std::variant<config::Response, ApiFailure>;

boost::asio::awaitable<Answer> async_ask(std::string path, config::Request request, std::chrono::milliseconds time);

// The same for programs without an event loop.
Answer ask(const std::string& path, const config::Request& request, std::chrono::milliseconds time);

}  // namespace isthmus::control
