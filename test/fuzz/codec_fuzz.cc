// What a client or a server of another release, or none, may say on the API socket.
#include <cstdint>
#include <string_view>

#include "dataplane/config/codec.h"

namespace {

using namespace isthmus::config;

// Whatever is understood is understood the same when it is said again.
template <typename T>
void check(const std::variant<T, CodecError>& first, std::variant<T, CodecError> (*decode)(std::string_view)) {
  const T* message = std::get_if<T>(&first);
  if (message == nullptr) {
    if (std::get<CodecError>(first).message.empty()) __builtin_trap();
    return;
  }
  const std::string text = encode(*message);
  const auto second = decode(text);
  if constexpr (!std::is_same_v<T, DesiredState>) {
    if (message->revision != kApiRevision) return;  // decoded as far as its revision
  }
  if (!std::holds_alternative<T>(second) || encode(std::get<T>(second)) != text) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(decode_request(text), decode_request);
  check(decode_response(text), decode_response);
  check(decode_state(text), decode_state);
  return 0;
}
