#pragma once
// api.h's structs as JSON text and back. Unknown or missing fields and wrong types are errors that name the place.
// A message of another revision is decoded as far as its revision: the caller compares that and refuses.

#include <string>
#include <string_view>
#include <variant>

#include "dataplane/config/api.h"

namespace isthmus::config {

struct CodecError {
  std::string message;  // "request.state.peers[0].endpoint: expected a string"
};

std::string encode(const Request& request);
std::string encode(const Response& response);
std::string encode(const DesiredState& state);
std::string encode(const Status& status);
std::variant<Request, CodecError> decode_request(std::string_view text);
std::variant<Response, CodecError> decode_response(std::string_view text);
std::variant<DesiredState, CodecError> decode_state(std::string_view text);

}  // namespace isthmus::config
