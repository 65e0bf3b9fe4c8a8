#include "control/api_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>

#include "dataplane/config/codec.h"
#include "dataplane/config/framed_stream.h"

namespace isthmus::control {
namespace asio = boost::asio;
using config::FramedStream;
using Kind = ApiFailure::Kind;

namespace {

Answer read_answer(const std::string& path, const std::string& text) {
  std::variant<config::Response, config::CodecError> decoded = config::decode_response(text);
  if (const auto* error = std::get_if<config::CodecError>(&decoded)) {
    return ApiFailure{Kind::kMalformed, path + " answers what this program does not understand: " + error->message};
  }
  config::Response& response = std::get<config::Response>(decoded);
  if (response.revision != config::kApiRevision) {
    return ApiFailure{Kind::kRevision, path + " speaks API revision " + std::to_string(response.revision) +
                                           ", this program " + std::to_string(config::kApiRevision) +
                                           "; use programs of one release"};
  }
  return std::move(response);
}

ApiFailure failure(Kind kind, std::string message) { return {kind, std::move(message)}; }

ApiFailure no_answer(const std::string& path, const FramedStream& stream) {
  return {Kind::kNoAnswer,
          path + (stream.timed_out() ? " does not answer in time" : " closed the connection without an answer")};
}

}  // namespace

asio::awaitable<Answer> async_ask(std::string path, config::Request request, std::chrono::milliseconds time) {
  const std::string text = encode(request);
  if (text.size() > config::kMaxMessage) {
    co_return failure(Kind::kMalformed, "the document is longer than the API's largest message");
  }
  auto stream = std::make_shared<FramedStream>(FramedStream::Socket(co_await asio::this_coro::executor));
  const std::optional<std::string> error = co_await stream->connect(path, time);
  if (error) co_return failure(Kind::kUnreachable, "cannot reach " + path + ": " + *error);
  if (!co_await stream->send(text, time)) co_return no_answer(path, *stream);
  const std::optional<std::string> answer = co_await stream->receive(time, time);
  if (!answer) co_return no_answer(path, *stream);
  stream->close();
  co_return read_answer(path, *answer);
}

Answer ask(const std::string& path, const config::Request& request, std::chrono::milliseconds time) {
  asio::io_context io(1);
  Answer answer;
  asio::co_spawn(io, async_ask(path, request, time), [&answer](std::exception_ptr error, Answer result) {
    if (error) std::rethrow_exception(error);
    answer = std::move(result);
  });
  io.run();
  return answer;
}

}  // namespace isthmus::control
