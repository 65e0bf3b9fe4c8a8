#include "control/daemon.h"

#include <signal.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>

#include "control/metrics.h"
#include "control/spawn.h"
#include "dataplane/config/log.h"

namespace isthmus::control {
namespace asio = boost::asio;
using config::log_event;
using config::LogLevel;
using namespace std::chrono_literals;

namespace {

constexpr auto kApplyTime = 10s;
constexpr auto kRetryTime = 1s;
constexpr auto kPollTime = 1s;

asio::awaitable<void> pause(asio::io_context& io, std::chrono::milliseconds time) {
  asio::steady_timer timer(io, time);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

bool refused(const config::Response& response) { return !response.error.empty() || !response.errors.empty(); }

std::string first_reason(const config::Response& response) {
  return response.error.empty() ? config::to_string(response.errors.front()) : response.error;
}

// Plain functions, as GCC 12 makes wrong code of an initializer list in a coroutine.
void log_error(const std::string& event, const std::string& error) {
  log_event(LogLevel::kError, event, {{"error", error}});
}

void log_taken(const char* what, const config::Response& response) {
  log_event(LogLevel::kInfo, std::string(what) + " runs",
            {{"generation", std::to_string(response.generation)}, {"changed", response.changed ? "yes" : "no"}});
}

HttpReply plain_text(unsigned status, std::string text) {
  HttpReply reply;
  reply.status = status;
  reply.body = std::move(text);
  return reply;
}

config::Response failure(std::string why) {
  config::Response response;
  response.error = std::move(why);
  return response;
}

}  // namespace

Daemon::Daemon(asio::io_context& io, Options options)
    : io_(io),
      options_(std::move(options)),
      signals_(io, SIGTERM, SIGINT, SIGHUP),
      supervisor_(io, {options_.data_plane, options_.run_dir}, [this] { spawn(io_, reconcile()); }),
      status_(supervisor_.socket_path()),
      last_good_(options_.state_dir),
      apply_lock_(io),
      endpoints_(io, supervisor_.socket_path(), [this] { endpoint_news_.cancel(); }),
      endpoint_news_(io) {}

asio::awaitable<int> Daemon::run() {
  std::error_code ignored;
  std::filesystem::create_directories(options_.run_dir, ignored);
  // First of all, as it also tells whether another daemon looks after this directory.
  try {
    api_ = std::make_unique<config::ApiServer>(
        io_, options_.run_dir + "/isthmusd.sock",
        config::ApiServer::AsyncHandler([this](config::Request request) { return answer(std::move(request)); }));
  } catch (const std::runtime_error& error) {
    log_error("isthmusd cannot start", error.what());
    co_return 1;
  }
  if (!choose_first_document()) co_return 1;
  const std::optional<std::string> error = co_await supervisor_.adopt();
  if (error) {
    log_error("isthmusd cannot start", *error);
    co_return 1;
  }
  spawn(io_, supervisor_.run());
  spawn(io_, poll_status());
  spawn(io_, keep_endpoints());
  co_await wait_for_signals();
  api_.reset();
  http_.reset();
  supervisor_.release();
  if (!options_.leave_data_plane) co_await supervisor_.stop();
  // Nobody may hold the lock when this object goes before the event loop and its suspended coroutines.
  const auto guard = co_await apply_lock_.acquire();
  log_event(LogLevel::kInfo, "isthmusd ended");
  co_return 0;
}

// ---- which document is to run

bool Daemon::choose_first_document() {
  const auto stored = last_good_.load();
  if (const auto* damaged = std::get_if<LastGood::Damaged>(&stored)) {
    log_event(LogLevel::kWarning, "the last good document is not used", {{"error", damaged->why}});
  }
  if (const auto* state = std::get_if<config::DesiredState>(&stored)) running_ = *state;
  if (take_file()) return true;
  if (!running_) return false;
  log_event(LogLevel::kError, "running the last good document instead of the file",
            {{"file", options_.config_file}, {"last_good", last_good_.path()}});
  choose(*running_, "last good");
  return true;
}

void Daemon::choose(config::DesiredState state, const char* origin) {
  desired_ = std::move(state);
  ++choice_;
  log_event(LogLevel::kInfo, "document chosen", {{"from", origin}, {"peers", std::to_string(desired_->peers.size())}});
}

// False, and the old choice stays, when the file has errors; they are on stderr as FILE:LINE.
bool Daemon::take_file() {
  const YamlSource source = read_yaml_file(options_.config_file);
  const auto checked = validate(source);
  const auto* errors = std::get_if<config::ConfigErrors>(&checked);
  if (errors == nullptr) {
    trouble_.clear();
    choose(source.state, "file");
    return true;
  }
  for (const config::ConfigError& error : *errors) std::cerr << to_string(source, error) << '\n';
  trouble_ = options_.config_file + " has " + std::to_string(errors->size()) + " error(s)";
  last_apply_successful_ = false;
  log_event(LogLevel::kError, "the configuration file is refused",
            {{"file", options_.config_file}, {"errors", std::to_string(errors->size())}});
  return false;
}

void Daemon::reload() {
  log_event(LogLevel::kInfo, "reading the configuration file again", {{"file", options_.config_file}});
  if (take_file() && supervisor_.up()) spawn(io_, reconcile());
}

// ---- making it run

// Until the chosen document runs, the data plane is gone or another document is chosen. A data plane that has just
// started forwards with the last good document while the chosen one is not possible, for want of an interface say.
asio::awaitable<void> Daemon::reconcile() {
  const std::uint64_t choice = choice_;
  const std::uint64_t life = supervisor_.restarts();
  bool fell_back = false;
  while (supervisor_.up() && choice == choice_ && life == supervisor_.restarts()) {
    const bool runs = co_await try_document(*desired_, "document");
    if (runs) co_return;
    if (!fell_back && running_ && *running_ != *desired_) {
      fell_back = co_await try_document(*running_, "last good document");
    }
    co_await pause(io_, kRetryTime);
  }
}

asio::awaitable<bool> Daemon::try_document(const config::DesiredState& state, const char* what) {
  const config::DesiredState copy = state;  // the member it came from may be replaced meanwhile
  const auto guard = co_await apply_lock_.acquire();
  const Response response = co_await hand_over(copy);
  if (!refused(response)) {
    log_taken(what, response);
    co_return true;
  }
  log_error(std::string("the data plane refuses the ") + what, first_reason(response));
  co_return false;
}

// The caller holds apply_lock_.
asio::awaitable<config::Response> Daemon::hand_over(const config::DesiredState& state) {
  config::Request request;
  request.method = config::Method::kApply;
  request.state = state;
  Answer answer = co_await async_ask(supervisor_.socket_path(), std::move(request), kApplyTime);
  if (const ApiFailure* failed = std::get_if<ApiFailure>(&answer)) co_return failure(failed->message);
  Response response = std::move(std::get<Response>(answer));
  const bool newest = desired_ && state == *desired_;
  if (!refused(response)) remember(state);
  if (newest) {
    last_apply_successful_ = !refused(response) && trouble_.empty();
    if (refused(response)) trouble_ = "the data plane refuses the document: " + first_reason(response);
  }
  co_return response;
}

void Daemon::remember(const config::DesiredState& state) {
  if (!running_ || *running_ != state) {
    const std::optional<std::string> error = last_good_.save(state);
    if (error) log_event(LogLevel::kError, "the last good document is not stored", {{"error", *error}});
  }
  running_ = state;
  endpoints_.follow(state);
  serve_metrics();
}

// A metrics port that is not to be had is no reason to stop forwarding.
void Daemon::serve_metrics() {
  if (http_ && http_address_ == running_->metrics_address) return;
  const std::optional<Endpoint> endpoint = parse_endpoint(running_->metrics_address);
  if (!endpoint) return;
  try {
    http_.reset();
    http_ =
        std::make_unique<HttpServer>(io_, *endpoint, [this](std::string path) { return answer_http(std::move(path)); });
    http_address_ = running_->metrics_address;
    log_event(LogLevel::kInfo, "serving metrics", {{"address", http_address_}});
  } catch (const std::runtime_error& error) {
    log_event(LogLevel::kError, "metrics are not served", {{"error", error.what()}});
  }
}

// ---- what others ask

asio::awaitable<config::Response> Daemon::answer(config::Request request) {
  switch (request.method) {
    case config::Method::kStatus:
      co_return co_await answer_status();
    case config::Method::kApply:
      if (!request.state) co_return failure("the request has no state to apply");
      co_return co_await answer_apply(std::move(*request.state));
    case config::Method::kTrace:
      co_return failure("a trace is asked of the data plane itself: dp.sock");
    case config::Method::kEndpoint:
      co_return failure("isthmusd itself looks up the names in the document; apply another document to change one");
    case config::Method::kState:
      break;
  }
  Response response;
  response.state = running_;
  if (!running_) response.error = "no document runs yet";
  co_return response;
}

asio::awaitable<config::Response> Daemon::answer_status() {
  Response response;
  const bool fresh = co_await status_.refresh(0ms);
  response.status = status_.last();
  if (response.status) endpoints_.explain(*response.status);
  if (!fresh) {
    response.error = "the data plane does not answer";
    if (response.status) response.error += "; this is its state of " + std::to_string(status_.age().count()) + " s ago";
  }
  co_return response;
}

// Takes effect until the file is read again: the file is what the machine starts with.
asio::awaitable<config::Response> Daemon::answer_apply(config::DesiredState state) {
  const auto checked = config::validate(state);
  if (const auto* errors = std::get_if<config::ConfigErrors>(&checked)) {
    Response response;
    response.errors = *errors;
    last_apply_successful_ = false;
    co_return response;
  }
  const auto guard = co_await apply_lock_.acquire();
  if (!supervisor_.up()) co_return failure("the data plane is not running at the moment; nothing was changed");
  Response response = co_await hand_over(state);
  if (refused(response)) {
    last_apply_successful_ = false;
    co_return response;
  }
  trouble_.clear();
  last_apply_successful_ = true;
  choose(std::move(state), "isthmusctl");
  co_return response;
}

asio::awaitable<HttpReply> Daemon::answer_http(std::string path) {
  if (path == "/healthz") co_return plain_text(200, "ok\n");
  if (path == "/readyz") co_return co_await answer_ready();
  if (path != "/metrics") co_return plain_text(404, "try /metrics, /healthz or /readyz\n");
  MetricsInput input;
  const bool fresh = co_await status_.refresh(kPollTime);
  input.data_plane_up = fresh && supervisor_.up();
  input.status = status_.continued();
  input.data_plane_restarts = supervisor_.restarts();
  input.last_apply_successful = last_apply_successful_;
  HttpReply reply = plain_text(200, metrics_text(input));
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  co_return reply;
}

// Ready is what forwards, with whatever document.
asio::awaitable<HttpReply> Daemon::answer_ready() {
  const bool fresh = co_await status_.refresh(kPollTime);
  if (!fresh || !supervisor_.up()) co_return plain_text(503, "the data plane does not answer\n");
  if (status_.last()->generation == 0) co_return plain_text(503, "the data plane has no document yet\n");
  if (trouble_.empty()) co_return plain_text(200, "forwarding\n");
  co_return plain_text(200, "forwarding with the last good document: " + trouble_ + "\n");
}

asio::awaitable<void> Daemon::poll_status() {
  for (;;) {
    if (supervisor_.up()) co_await status_.refresh(kPollTime);
    co_await pause(io_, kPollTime);
  }
}

// A name may be new or have an answer at any time; whether a peer is still to be reached is looked at once a second.
asio::awaitable<void> Daemon::keep_endpoints() {
  for (;;) {
    endpoint_news_.expires_after(kPollTime);
    const auto [news] = co_await endpoint_news_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (endpoints_.idle() || !supervisor_.up()) continue;
    // An endpoint must not meet another document than the one that its name is from.
    const auto guard = co_await apply_lock_.acquire();
    const bool fresh = co_await status_.refresh(news ? 0ms : std::chrono::milliseconds(kPollTime));
    if (fresh) co_await endpoints_.step(*status_.last());
  }
}

asio::awaitable<void> Daemon::wait_for_signals() {
  for (;;) {
    const auto [error, signal] = co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) continue;
    if (signal != SIGHUP) co_return;
    reload();
  }
}

}  // namespace isthmus::control
