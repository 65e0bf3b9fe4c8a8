#include "control/supervisor.h"

#include <signal.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "control/back_off.h"
#include "dataplane/config/log.h"

namespace isthmus::control {
namespace asio = boost::asio;
using config::log_event;
using config::LogLevel;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kAskTime = 500ms;
constexpr auto kPollTime = 10ms;  // until a new data plane answers: part of the time without forwarding
constexpr auto kDrainTime = 3s;
constexpr const char* kNotYet = "nobody answers yet";

// Plain functions, as GCC 12 makes wrong code of an initializer list in a coroutine.
void log_process(LogLevel level, const char* event, const Process& process) {
  log_event(level, event, {{"pid", std::to_string(process.pid())}});
}

void log_end(LogLevel level, const Process& process) {
  log_event(level, "data plane ended", {{"pid", std::to_string(process.pid())}, {"how", process.how_it_ended()}});
}

void log_error(LogLevel level, const char* event, const std::string& error) {
  log_event(level, event, {{"error", error}});
}

void log_pause(std::chrono::milliseconds wait) {
  if (wait == 0ms) return;
  log_event(LogLevel::kWarning, "the data plane is started again after a pause",
            {{"ms", std::to_string(wait.count())}});
}

std::variant<Process, std::string> start_program(asio::io_context& io, const Supervisor::Options& options) {
  return Process::start(io, {options.program, "--run-dir", options.run_dir});
}

// Why this is not the answer of the data plane with that process number; empty when it is.
std::string what_is_wrong(const Answer& answer, pid_t pid) {
  if (const ApiFailure* failure = std::get_if<ApiFailure>(&answer)) {
    return failure->kind == ApiFailure::Kind::kUnreachable ? kNotYet : failure->message;
  }
  const config::Response& response = std::get<config::Response>(answer);
  if (!response.status) return "its answer has no status: " + response.error;
  if (response.status->pid == static_cast<std::uint64_t>(pid)) return {};
  return "process " + std::to_string(response.status->pid) + " answers in place of " + std::to_string(pid);
}

}  // namespace

Supervisor::Supervisor(asio::io_context& io, Options options, std::function<void()> answers)
    : io_(io), options_(std::move(options)), socket_(options_.run_dir + "/dp.sock"), answers_(std::move(answers)) {}

asio::awaitable<void> Supervisor::pause(std::chrono::milliseconds time) {
  asio::steady_timer timer(io_, time);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<std::optional<std::string>> Supervisor::adopt() {
  config::Request request;
  const Answer answer = co_await async_ask(socket_, request, 2s);
  if (const ApiFailure* failure = std::get_if<ApiFailure>(&answer)) {
    if (failure->kind == ApiFailure::Kind::kUnreachable) co_return std::nullopt;
    co_return failure->message + "; stop the data plane that runs there, or use the programs of its release";
  }
  const config::Response& response = std::get<config::Response>(answer);
  if (!response.status) co_return socket_ + " answers without a status: " + response.error;
  process_ = co_await process_behind_socket(response.status->pid, response.status->started_seconds);
  if (!process_) co_return std::nullopt;  // it ended meanwhile
  log_process(LogLevel::kInfo, "adopted the running data plane", *process_);
  co_return std::nullopt;
}

// A process number can be used again between the answer and pidfd_open: so the question is put once more.
asio::awaitable<std::optional<Process>> Supervisor::process_behind_socket(std::uint64_t pid, std::int64_t started) {
  std::optional<Process> process = Process::adopt(io_, static_cast<pid_t>(pid));
  if (!process) co_return std::nullopt;
  config::Request request;
  const Answer answer = co_await async_ask(socket_, request, 2s);
  const config::Response* response = std::get_if<config::Response>(&answer);
  const bool same = response != nullptr && response->status && response->status->pid == pid &&
                    response->status->started_seconds == started && process->running();
  if (!same) co_return std::nullopt;
  co_return std::move(process);
}

asio::awaitable<void> Supervisor::run() {
  BackOff back_off;
  while (!stopping_) {
    const Clock::time_point begin = Clock::now();
    if (!process_) start();
    if (process_) co_await watch();
    if (stopping_) break;
    ++restarts_;
    const auto wait = back_off.next(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin));
    log_pause(wait);
    co_await pause(wait);
  }
}

void Supervisor::start() {
  auto started = start_program(io_, options_);
  if (const std::string* error = std::get_if<std::string>(&started)) {
    log_error(LogLevel::kError, "the data plane does not start", *error);
    return;
  }
  process_.emplace(std::move(std::get<Process>(started)));
  log_process(LogLevel::kInfo, "data plane started", *process_);
}

asio::awaitable<void> Supervisor::watch() {
  up_ = co_await wait_until_it_answers();
  if (up_) answers_();
  co_await process_->ended();
  up_ = false;
  log_end(stopping_ ? LogLevel::kInfo : LogLevel::kError, *process_);
  process_.reset();
}

// False when it ended first. A data plane that starts slowly is waited for: EAL may have much memory to map.
asio::awaitable<bool> Supervisor::wait_until_it_answers() {
  std::string complaint;
  while (process_->running()) {
    config::Request request;
    const Answer answer = co_await async_ask(socket_, request, kAskTime);
    const std::string wrong = what_is_wrong(answer, process_->pid());
    if (wrong.empty()) co_return true;
    if (wrong != complaint && wrong != kNotYet) log_error(LogLevel::kWarning, "the data plane cannot be used", wrong);
    complaint = wrong;
    co_await pause(kPollTime);
  }
  co_return false;
}

asio::awaitable<void> Supervisor::stop() {
  stopping_ = true;
  if (!process_) co_return;
  process_->send_signal(SIGTERM);
  const Clock::time_point deadline = Clock::now() + kDrainTime;
  while (process_ && process_->running() && Clock::now() < deadline) co_await pause(kPollTime);
  if (process_ && process_->running()) {
    log_process(LogLevel::kError, "the data plane does not end by itself; killing it", *process_);
    process_->send_signal(SIGKILL);
  }
  while (process_) co_await pause(kPollTime);  // until watch() has seen it and reaped it
}

}  // namespace isthmus::control
