// isthmusctl: what an administrator types.

#include <signal.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <ctime>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "control/api_client.h"
#include "control/render.h"
#include "control/render_plan.h"
#include "control/source_yaml.h"
#include "control/suggest_command.h"
#include "control/validate_command.h"
#include "dataplane/config/codec.h"

namespace {

using namespace isthmus;
using namespace std::chrono_literals;
using control::Answer;
using control::ApiFailure;
using Clock = std::chrono::steady_clock;

enum ExitCode { kOk = 0, kRefused = 1, kUsage = 2, kUnreachable = 3 };

constexpr auto kAskTime = 15s;  // isthmusd itself waits 10 s for the data plane

struct Settings {
  std::string run_dir = "/run/isthmus";
  bool direct = false;
  std::string output = "text";
  std::vector<std::string> files;
  std::vector<std::string> pools;
  bool write = false;
  std::string against;
  bool wait = false;
  int wait_seconds = 30;
  config::TraceRequest trace{.packets = 1};
  int trace_seconds = 10;

  std::string socket() const { return run_dir + (direct ? "/dp.sock" : "/isthmusd.sock"); }
};

int report(const Settings& settings, const ApiFailure& failure) {
  std::cerr << "isthmusctl: " << failure.message << "\n";
  if (failure.kind != ApiFailure::Kind::kUnreachable) return kUnreachable;
  if (settings.direct) {
    std::cerr << "no data plane runs in " << settings.run_dir << ", or you are not its owner; isthmusd starts it\n";
  } else {
    std::cerr << "isthmusd does not run in " << settings.run_dir
              << ", or you are not its owner; start it with `isthmusd --config FILE --run-dir " << settings.run_dir
              << "`,\nor ask the data plane itself with --direct\n";
  }
  return kUnreachable;
}

// The status, or the exit code. A stale one comes with a warning.
std::optional<config::Status> fetch_status(const Settings& settings, int& result) {
  const Answer answer = control::ask(settings.socket(), {}, kAskTime);
  if (const ApiFailure* failure = std::get_if<ApiFailure>(&answer)) {
    result = report(settings, *failure);
    return std::nullopt;
  }
  const config::Response& response = std::get<config::Response>(answer);
  result = response.error.empty() ? kOk : kUnreachable;
  if (!response.error.empty()) std::cerr << "isthmusctl: " << response.error << "\n";
  return response.status;
}

int show(const Settings& settings, const std::function<std::string(const config::Status&)>& render) {
  int result = kOk;
  const std::optional<config::Status> status = fetch_status(settings, result);
  if (status) std::cout << (settings.output == "json" ? encode(*status) + "\n" : render(*status)) << std::flush;
  return result;
}

// Peers without an endpoint come when they like: they are not waited for.
std::string peers_to_wait_for(const config::DesiredState& state, const config::Status& status) {
  std::string names;
  for (const config::DesiredPeer& wanted : state.peers) {
    if (wanted.endpoint.empty()) continue;
    bool connected = false;
    for (const config::PeerStatus& peer : status.peers) connected |= peer.name == wanted.name && peer.connected;
    if (!connected) names += (names.empty() ? "" : ", ") + wanted.name;
  }
  return names;
}

int wait_for_peers(const Settings& settings, const config::DesiredState& state) {
  const auto deadline = Clock::now() + std::chrono::seconds(settings.wait_seconds);
  for (;;) {
    int result = kOk;
    const std::optional<config::Status> status = fetch_status(settings, result);
    if (!status) return result;
    const std::string missing = result == kOk ? peers_to_wait_for(state, *status) : "the data plane";
    if (missing.empty()) {
      std::cout << "every peer with an endpoint is connected\n";
      return kOk;
    }
    if (Clock::now() >= deadline) {
      std::cerr << "isthmusctl: not connected after " << settings.wait_seconds << " s: " << missing
                << "; see `isthmusctl peers`\n";
      return kUnreachable;
    }
    std::this_thread::sleep_for(100ms);
  }
}

int apply_file(const Settings& settings) {
  const control::YamlSource source = control::read_yaml_file(settings.files.front());
  const auto print_errors = [&source](const config::ConfigErrors& errors) {
    for (const config::ConfigError& error : errors) std::cerr << to_string(source, error) << "\n";
    std::cerr << "refused; nothing was changed\n";
    return kRefused;
  };
  const auto checked = control::validate(source);
  if (const auto* errors = std::get_if<config::ConfigErrors>(&checked)) return print_errors(*errors);

  config::Request request;
  request.method = config::Method::kApply;
  request.state = source.state;
  const Answer answer = control::ask(settings.socket(), request, kAskTime);
  if (const ApiFailure* failure = std::get_if<ApiFailure>(&answer)) return report(settings, *failure);
  const config::Response& response = std::get<config::Response>(answer);
  if (!response.errors.empty()) return print_errors(response.errors);
  if (!response.error.empty()) {
    std::cerr << "isthmusctl: " << response.error << "\n";
    return kRefused;
  }
  std::cout << (response.changed ? "applied" : "nothing to change") << ", generation " << response.generation << "\n";
  return settings.wait ? wait_for_peers(settings, source.state) : kOk;
}

// The valid document of a file; otherwise its errors are printed.
std::optional<config::ValidatedConfig> read_document(const std::string& file) {
  const control::YamlSource source = control::read_yaml_file(file);
  auto checked = control::validate(source);
  if (const auto* errors = std::get_if<config::ConfigErrors>(&checked)) {
    for (const config::ConfigError& error : *errors) std::cerr << to_string(source, error) << "\n";
    return std::nullopt;
  }
  return std::move(std::get<config::ValidatedConfig>(checked));
}

// The document that runs, or the exit code.
std::optional<config::ValidatedConfig> running_document(const Settings& settings, int& result) {
  config::Request request;
  request.method = config::Method::kState;
  const Answer answer = control::ask(settings.socket(), request, kAskTime);
  if (const ApiFailure* failure = std::get_if<ApiFailure>(&answer)) {
    result = report(settings, *failure);
    return std::nullopt;
  }
  const config::Response& response = std::get<config::Response>(answer);
  result = kUnreachable;
  if (!response.state) {
    std::cerr << "isthmusctl: " << (response.error.empty() ? "no document runs yet" : response.error) << "\n";
    return std::nullopt;
  }
  auto checked = config::validate(*response.state);
  if (const auto* errors = std::get_if<config::ConfigErrors>(&checked)) {
    std::cerr << "isthmusctl: the running document is of another release: " << to_string(errors->front()) << "\n";
    return std::nullopt;
  }
  result = kOk;
  return std::move(std::get<config::ValidatedConfig>(checked));
}

int plan_file(const Settings& settings) {
  const std::optional<config::ValidatedConfig> next = read_document(settings.files.front());
  if (!next) return kRefused;
  int result = kRefused;
  const bool runs = settings.against.empty();
  const std::optional<config::ValidatedConfig> before =
      runs ? running_document(settings, result) : read_document(settings.against);
  if (!before) return result;
  std::vector<std::string> drift;
  if (runs) {
    const std::optional<config::Status> status = fetch_status(settings, result);
    if (!status || result != kOk) return result;
    drift = status->drift;
  }
  const config::Plan plan = config::plan(*before, *next);
  std::cout << control::render_plan(plan, drift);
  return plan.refused.empty() ? kOk : kRefused;
}

// Packets that were asked for and have come to the end of their walk here.
std::size_t finished(const std::vector<config::TraceStep>& steps) {
  std::size_t count = 0;
  for (const config::TraceStep& step : steps) {
    count += !step.outcome.empty() || step.stage == "encapsulate" || step.stage == "resolve_next_hop" ? 1U : 0U;
  }
  return count;
}

// Packets walk in the data plane, so it is asked itself; every 50 ms, until all came or the time is over.
int trace_packets(Settings& settings) {
  settings.direct = true;
  const auto deadline = Clock::now() + std::chrono::seconds(settings.trace_seconds);
  const std::uint32_t wanted = settings.trace.packets;
  config::Request request;
  request.method = config::Method::kTrace;
  request.trace = settings.trace;
  config::Response all;
  for (bool first = true; finished(all.trace) < wanted && Clock::now() < deadline; first = false) {
    const Answer answer = control::ask(settings.socket(), request, kAskTime);
    if (const ApiFailure* failure = std::get_if<ApiFailure>(&answer)) return report(settings, *failure);
    const config::Response& response = std::get<config::Response>(answer);
    if (!response.error.empty()) {
      std::cerr << "isthmusctl: " << response.error << "\n";
      return kRefused;
    }
    // What an earlier trace left behind is not ours.
    if (!first) all.trace.insert(all.trace.end(), response.trace.begin(), response.trace.end());
    request.trace->packets = 0;
    std::this_thread::sleep_for(50ms);
  }
  std::cout << (settings.output == "json" ? encode(all) + "\n" : control::render_trace(all.trace));
  if (finished(all.trace) >= wanted) return kOk;
  std::cerr << "isthmusctl: " << finished(all.trace) << " of " << wanted << " packets came in "
            << settings.trace_seconds << " s\n";
  return kUnreachable;
}

void add_output_option(CLI::App& command, Settings& settings) {
  command.add_option("-o,--output", settings.output, "text or json (json: the whole status)")
      ->check(CLI::IsMember({"text", "json"}));
}

CLI::App* add_suggest(CLI::App& app, Settings& settings) {
  CLI::App* command = app.add_subcommand("suggest", "free views for remote maps that have none or whose view clashes");
  command->add_option("FILE", settings.files, "YAML documents; no view of one is offered to another")->required();
  command->add_option("--pool", settings.pools, "take views from here, such as 10.64.0.0/10; may stand several times")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->default_str("the private ranges");
  command->add_flag("--write", settings.write, "into the files; nothing else in them changes");
  return command;
}

CLI::App* add_plan(CLI::App& app, Settings& settings) {
  CLI::App* command = app.add_subcommand("plan", "what would change if a document were applied; changes nothing");
  command->add_option("FILE", settings.files, "YAML document; what is in key files is not looked at")
      ->required()
      ->expected(1);
  command->add_option("--against", settings.against, "this document instead of the one that runs");
  return command;
}

int run(CLI::App& app, Settings& settings, int argc, char** argv) {
  app.set_version_flag("--version", ISTHMUS_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--run-dir", settings.run_dir, "directory of the daemons' sockets")
      ->envname("ISTHMUS_RUN_DIR")
      ->capture_default_str();
  app.add_flag("--direct", settings.direct, "ask the data plane itself, not isthmusd");

  CLI::App* validate =
      app.add_subcommand("validate", "check documents, and those of several clusters against each other");
  validate->add_option("FILE", settings.files, "YAML documents; nobody is asked and nothing is changed")->required();
  CLI::App* suggest = add_suggest(app, settings);
  CLI::App* plan = add_plan(app, settings);
  CLI::App* apply = app.add_subcommand("apply", "make a document run");
  apply->add_option("FILE", settings.files, "YAML document")->required()->expected(1);
  apply->add_flag("--wait", settings.wait, "until every peer with an endpoint is connected");
  apply->add_option("--wait-seconds", settings.wait_seconds, "how long --wait waits")->capture_default_str();
  CLI::App* status = app.add_subcommand("status", "health, ports and the walks' books");
  CLI::App* peers = app.add_subcommand("peers", "every peer's connection and view");
  CLI::App* drops = app.add_subcommand("drops", "why packets died");
  CLI::App* trace = app.add_subcommand("trace", "follow the next packets through every stage");
  trace->add_option("ADDRESS", settings.trace.address, "only packets from or to it, as this gateway first sees them");
  trace->add_option("-n,--packets", settings.trace.packets, "how many")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  trace->add_option("--seconds", settings.trace_seconds, "how long to wait for them")->capture_default_str();
  for (CLI::App* command : {status, peers, drops, trace}) add_output_option(*command, settings);
  app.footer("exit codes: 0 ok, 1 refused or invalid, 2 wrong usage, 3 cannot reach");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  const std::int64_t now = std::time(nullptr);
  if (validate->parsed()) return control::validate_command(settings.files, std::cout, std::cerr) ? kOk : kRefused;
  if (suggest->parsed()) {
    const control::SuggestOptions options{settings.files, settings.pools, settings.write};
    return control::suggest_command(options, std::cout, std::cerr) ? kOk : kRefused;
  }
  if (plan->parsed()) return plan_file(settings);
  if (apply->parsed()) return apply_file(settings);
  if (trace->parsed()) return trace_packets(settings);
  if (status->parsed())
    return show(settings, [now](const config::Status& s) { return control::render_status(s, now); });
  if (peers->parsed()) return show(settings, [now](const config::Status& s) { return control::render_peers(s, now); });
  return show(settings, control::render_drops);
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Isthmus: see and change what the gateway does");
  Settings settings;
  return run(app, settings, argc, argv);
}
