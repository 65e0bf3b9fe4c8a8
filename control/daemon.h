#pragma once
// isthmusd: one desired state, from a file or from isthmusctl, kept running in one data plane.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "control/async_lock.h"
#include "control/endpoint_resolver.h"
#include "control/http_server.h"
#include "control/last_good.h"
#include "control/source_yaml.h"
#include "control/status_cache.h"
#include "control/supervisor.h"
#include "dataplane/config/api_server.h"

namespace isthmus::control {

class Daemon {
 public:
  struct Options {
    std::string config_file;
    std::string run_dir;
    std::string state_dir;
    std::string data_plane;         // isthmus-dp's path
    bool leave_data_plane = false;  // on SIGTERM
  };

  Daemon(boost::asio::io_context& io, Options options);

  // Runs until SIGTERM or SIGINT. 0, or 1 when it could not begin: the reasons are on stderr.
  boost::asio::awaitable<int> run();

 private:
  using Response = config::Response;

  // Which document is to run.
  bool choose_first_document();
  void choose(config::DesiredState state, const char* origin);
  bool take_file();
  void reload();

  // Making it run.
  boost::asio::awaitable<void> reconcile();
  boost::asio::awaitable<Response> hand_over(const config::DesiredState& state);
  boost::asio::awaitable<bool> try_document(const config::DesiredState& state, const char* what);
  void remember(const config::DesiredState& state);
  void serve_metrics();

  // What others ask.
  boost::asio::awaitable<Response> answer(config::Request request);
  boost::asio::awaitable<Response> answer_status();
  boost::asio::awaitable<Response> answer_apply(config::DesiredState state);
  boost::asio::awaitable<HttpReply> answer_http(std::string path);
  boost::asio::awaitable<HttpReply> answer_ready();

  boost::asio::awaitable<void> poll_status();
  boost::asio::awaitable<void> keep_endpoints();
  boost::asio::awaitable<void> wait_for_signals();

  boost::asio::io_context& io_;
  Options options_;
  boost::asio::signal_set signals_;
  Supervisor supervisor_;
  StatusCache status_;
  LastGood last_good_;
  AsyncLock apply_lock_;
  EndpointResolver endpoints_;
  boost::asio::steady_timer endpoint_news_;  // being cancelled is the news
  std::unique_ptr<config::ApiServer> api_;
  std::unique_ptr<HttpServer> http_;
  std::string http_address_;

  std::optional<config::DesiredState> desired_;  // what is to run
  std::optional<config::DesiredState> running_;  // what the data plane took last: the last good one
  std::uint64_t choice_ = 0;                     // counts desired_'s changes
  bool last_apply_successful_ = false;
  std::string trouble_;  // why the newest document does not run; empty when it does
};

}  // namespace isthmus::control
