#include "control/endpoint_resolver.h"

#include <chrono>
#include <utility>

#include "control/api_client.h"
#include "dataplane/config/log.h"
#include "dataplane/config/validate.h"

namespace isthmus::control {
namespace asio = boost::asio;
using config::log_event;
using config::LogLevel;

namespace {

constexpr std::chrono::milliseconds kAskTime{500};

// Plain functions, as GCC 12 makes wrong code of an initializer list in a coroutine.
void log_given(const config::EndpointRequest& request) {
  log_event(LogLevel::kInfo, "a name leads to another endpoint",
            {{"peer", request.peer}, {"endpoint", request.endpoint}});
}

config::Request request_for(const config::EndpointRequest& endpoint) {
  config::Request request;
  request.method = config::Method::kEndpoint;
  request.endpoint = endpoint;
  return request;
}

}  // namespace

EndpointResolver::EndpointResolver(asio::io_context& io, std::string data_plane_socket, std::function<void()> news)
    : socket_(std::move(data_plane_socket)),
      news_(std::move(news)),
      lookup_(io, [this](const std::string& host, EndpointPolicy::Answer answer) {
        policy_.answered(host, std::move(answer));
        log_notices();
        news_();
      }) {}

void EndpointResolver::follow(const config::DesiredState& state) {
  const auto validated = config::validate(state);
  // The data plane has taken it, by the same rules.
  if (const auto* config = std::get_if<config::ValidatedConfig>(&validated)) policy_.follow(config->peers);
  if (!idle()) news_();
}

asio::awaitable<void> EndpointResolver::step(const config::Status& status) {
  EndpointPolicy::Step step = policy_.step(status, std::chrono::steady_clock::now());
  log_notices();
  for (const std::string& host : step.lookups) lookup_.start(host);
  bool reachable = true;
  for (config::EndpointRequest& request : step.endpoints) {
    if (reachable) {
      reachable = co_await give(request);
    } else {
      policy_.refused(request, "the data plane does not answer");
    }
  }
  log_notices();
}

// False when nobody answers: then there is no use in asking for the next peer.
asio::awaitable<bool> EndpointResolver::give(config::EndpointRequest request) {
  const Answer answer = co_await async_ask(socket_, request_for(request), kAskTime);
  if (const ApiFailure* failed = std::get_if<ApiFailure>(&answer)) {
    policy_.refused(request, failed->message);
    co_return false;
  }
  const config::Response& response = std::get<config::Response>(answer);
  if (!response.error.empty()) {
    policy_.refused(request, response.error);
    co_return true;
  }
  policy_.taken(request);
  if (response.changed) log_given(request);
  co_return true;
}

void EndpointResolver::explain(config::Status& status) const {
  for (config::PeerStatus& peer : status.peers) {
    const auto name = config::parse_endpoint_name(peer.endpoint_name);
    if (name) peer.name_trouble = policy_.trouble_of(name->host);
  }
}

void EndpointResolver::log_notices() {
  for (const EndpointPolicy::Notice& notice : policy_.take_notices()) {
    if (notice.error.empty()) {
      log_event(notice.level, notice.event, {{"name", notice.name}});
    } else {
      log_event(notice.level, notice.event,
                {{"name", notice.name}, {"error", notice.error}, {"advice", notice.advice}});
    }
  }
}

}  // namespace isthmus::control
