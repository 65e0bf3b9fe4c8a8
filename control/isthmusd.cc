// isthmusd: the control daemon.

#include <signal.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>

#include "control/daemon.h"
#include "control/spawn.h"

namespace {

// isthmus-dp lies beside isthmusd, however that was started.
std::string data_plane_beside_us() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path beside = self.parent_path() / "isthmus-dp";
  return !error && std::filesystem::exists(beside, error) ? beside.string() : "isthmus-dp";
}

boost::asio::awaitable<void> run(isthmus::control::Daemon& daemon, boost::asio::io_context& io, int& result) {
  result = co_await daemon.run();
  io.stop();
}

}  // namespace

int main(int argc, char** argv) {
  isthmus::control::Daemon::Options options;
  options.run_dir = "/run/isthmus";
  options.state_dir = "/var/lib/isthmus";
  options.data_plane = data_plane_beside_us();

  CLI::App app("Isthmus control daemon: keeps the data plane running with the document it is given");
  app.set_version_flag("--version", ISTHMUS_VERSION);
  app.add_option("--config", options.config_file, "the document (YAML); read again on SIGHUP")->required();
  app.add_option("--run-dir", options.run_dir, "directory of the sockets")->capture_default_str();
  app.add_option("--state-dir", options.state_dir, "directory of the last good document")->capture_default_str();
  app.add_option("--dp", options.data_plane, "the data plane's program")->capture_default_str();
  app.add_flag("--leave-data-plane", options.leave_data_plane, "on SIGTERM end alone and leave the data plane running");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  ::signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context io(1);
  isthmus::control::Daemon daemon(io, options);
  int result = 1;
  isthmus::control::spawn(io, run(daemon, io, result));
  io.run();
  return result;
}
