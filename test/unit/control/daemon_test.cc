// isthmusd as a process, over a fake data plane: what survives whose death.
#include "control/daemon.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "control/api_client.h"
#include "control/spawn.h"
#include "test/unit/config/sample.h"

namespace isthmus::control {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::size_t lines_of(const std::string& path) {
  const std::string text = read_file(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

bool eventually(const std::function<bool()>& what, std::chrono::milliseconds time = 5000ms) {
  const Clock::time_point deadline = Clock::now() + time;
  while (Clock::now() < deadline) {
    if (what()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return what();
}

std::uint16_t free_port() {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  return acceptor.local_endpoint().port();
}

asio::awaitable<void> run_daemon(Daemon& daemon, asio::io_context& io, int& result) {
  result = co_await daemon.run();
  io.stop();
}

class DaemonTest : public testing::Test {
 protected:
  DaemonTest() : dir_(testing::TempDir() + "isthmusd-" + std::to_string(::getpid())), port_(free_port()) {
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
    write_config(document("crownlabs"));
  }
  ~DaemonTest() override {
    if (daemon_ > 0) end_daemon(SIGKILL);
    kill_data_planes();
    std::filesystem::remove_all(dir_);
  }

  // Whoever has become their parent: every start has left its number. One that has ended is no longer in /proc.
  void kill_data_planes() const {
    std::ifstream starts(dir_ + "/starts");
    for (pid_t pid = 0; starts >> pid;) {
      const std::string command = read_file("/proc/" + std::to_string(pid) + "/cmdline");
      if (command.find(dir_) != std::string::npos) ::kill(pid, SIGKILL);
    }
  }

  // With a peer whose endpoint is this.
  std::string document_to(const std::string& endpoint) const {
    std::string text = document("crownlabs");
    return text.insert(text.rfind("  remote:"), "  endpoint: " + endpoint + "\n");
  }
  std::string document(const std::string& name) const {
    return "apiVersion: isthmus/v1alpha1\nname: " + name +
           "\nprivateKeyFile: /k\nports: {cluster: {interface: a}, underlay: {interface: b}}\n"
           "pods: [10.244.0.0/16]\nmetrics: {address: \"127.0.0.1:" +
           std::to_string(port_) + "\"}\npeers:\n- name: netlab\n  publicKey: " + config::kKeyA +
           "\n  remote: [{real: 10.244.0.0/16, seenAs: 10.71.0.0/16}]\n";
  }
  void write_config(const std::string& text) const { write_file(config_file(), text); }
  void set_mode(const std::string& words) const { write_file(dir_ + "/mode", words); }
  std::string config_file() const { return dir_ + "/config.yaml"; }
  std::string last_good() const { return dir_ + "/state/last-good"; }

  pid_t fork_daemon(bool leave = false) const {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::signal(SIGPIPE, SIG_IGN);
    int result = 9;
    asio::io_context io(1);
    Daemon daemon(io, {config_file(), dir_, dir_ + "/state",
                       std::filesystem::path(__FILE__).parent_path() / "fake_dp.py", leave});
    spawn(io, run_daemon(daemon, io, result));
    io.run();
    ::_exit(result);
  }
  void start(bool leave = false) { daemon_ = fork_daemon(leave); }

  // The exit code, or the signal's negative number; -SIGKILL also when it does not end by itself.
  static int wait_for(pid_t pid) {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, 8000ms)) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int end_daemon(int signal) {
    ::kill(daemon_, signal);
    const int result = wait_for(daemon_);
    daemon_ = -1;
    return result;
  }

  std::optional<config::Response> call(const char* socket, const config::Request& request,
                                       std::chrono::milliseconds time = 2000ms) const {
    Answer answer = ask(dir_ + "/" + socket, request, time);
    const config::Response* response = std::get_if<config::Response>(&answer);
    return response != nullptr ? std::optional(*response) : std::nullopt;
  }
  int data_plane_pid(std::chrono::milliseconds time = 2000ms) const {
    const auto response = call("dp.sock", {}, time);
    return response && response->status ? static_cast<int>(response->status->pid) : 0;
  }
  // The name in the document that the data plane runs.
  std::string running() const {
    const auto response = call("dp.sock", {});
    return response && response->status ? response->status->name : "";
  }
  bool runs(const std::string& name) const {
    return eventually([&] { return running() == name; });
  }
  // By isthmusd's own account, which comes a little after the fact.
  bool daemon_says(const std::string& name) const {
    config::Request request;
    request.method = config::Method::kState;
    return eventually([&] {
      const auto response = call("isthmusd.sock", request);
      return response && response->state && response->state->name == name;
    });
  }
  config::Response apply(config::DesiredState state) const {
    config::Request request;
    request.method = config::Method::kApply;
    request.state = std::move(state);
    return call("isthmusd.sock", request).value_or(config::Response{.error = "unreachable"});
  }
  config::DesiredState sample(const std::string& name) const {
    config::DesiredState state = config::sample();
    state.name = name;
    state.metrics_address = "127.0.0.1:" + std::to_string(port_);
    return state;
  }

  std::string http(const std::string& request) const {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    boost::system::error_code error;
    socket.connect({asio::ip::address_v4::loopback(), port_}, error);
    if (error) return "";
    asio::write(socket, asio::buffer(request), error);
    std::string text;
    char piece[4096];
    pollfd entry{socket.native_handle(), POLLIN, 0};
    while (!error && ::poll(&entry, 1, 2000) == 1) {  // a port that somebody holds without serving it says nothing
      text.append(piece, socket.read_some(asio::buffer(piece), error));
    }
    return text;
  }
  std::string get(const std::string& path) const { return http("GET " + path + " HTTP/1.0\r\n\r\n"); }

  std::string dir_;
  std::uint16_t port_;
  pid_t daemon_ = -1;
};

TEST_F(DaemonTest, StartsADataPlaneWithTheDocument) {
  start();
  ASSERT_TRUE(runs("crownlabs"));
  const auto response = call("isthmusd.sock", {});
  ASSERT_TRUE(response && response->status);
  EXPECT_EQ(response->error, "");
  EXPECT_EQ(response->status->peers.at(0).remote.at(0).seen_as, "10.71.0.0/16");
  EXPECT_EQ(::getsid(data_plane_pid()), data_plane_pid()) << "not in a session of its own";
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(last_good()); }));
}

TEST_F(DaemonTest, ServesMetricsAndHealth) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").find("200 OK") != std::string::npos; }));
  const std::string metrics = get("/metrics");
  EXPECT_NE(metrics.find("text/plain; version=0.0.4"), std::string::npos);
  EXPECT_NE(metrics.find("\nliqo_peer_transmit_bytes_total{driver=\"wireguard\",cluster_id=\"netlab\"} 1000\n"),
            std::string::npos);
  EXPECT_NE(metrics.find("\nisthmus_data_plane_up 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("\nisthmus_config_last_apply_successful 1\n"), std::string::npos);
  EXPECT_NE(get("/healthz").find("\r\n\r\nok\n"), std::string::npos);
  EXPECT_NE(get("/else").find("404 Not Found"), std::string::npos);
  EXPECT_NE(http("DELETE /metrics HTTP/1.0\r\n\r\n").find("405 Method Not Allowed"), std::string::npos);
  EXPECT_EQ(http("nonsense\r\n\r\n"), "");
  EXPECT_EQ(http("GET / HTTP/1.0\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"), "");
}

TEST_F(DaemonTest, RestartsAKilledDataPlaneWithItsDocumentWithinASecond) {
  start();
  ASSERT_TRUE(runs("crownlabs") && daemon_says("crownlabs"));
  ASSERT_TRUE(eventually([&] { return get("/metrics").find("\nliqo_peer_transmit") != std::string::npos; }));
  const int first = data_plane_pid();
  const Clock::time_point killed = Clock::now();
  ::kill(first, SIGKILL);
  ASSERT_TRUE(eventually([&] { return running() == "crownlabs" && data_plane_pid() != first; }));
  EXPECT_LT(Clock::now() - killed, 1000ms);
  EXPECT_EQ(lines_of(dir_ + "/starts"), 2U);
  // The new one counts from zero, the scraper's counters go on.
  EXPECT_TRUE(eventually([&] {
    const std::string metrics = get("/metrics");
    return metrics.find("cluster_id=\"netlab\"} 2000\n") != std::string::npos &&
           metrics.find("\nisthmus_data_plane_restarts_total 1\n") != std::string::npos;
  })) << get("/metrics");
}

TEST_F(DaemonTest, ItsOwnDeathLeavesTheDataPlaneAndTheNextDaemonAdoptsIt) {
  start();
  ASSERT_TRUE(runs("crownlabs") && daemon_says("crownlabs"));
  const int data_plane = data_plane_pid();
  EXPECT_EQ(end_daemon(SIGKILL), -SIGKILL);
  EXPECT_EQ(data_plane_pid(), data_plane);
  start();
  ASSERT_TRUE(daemon_says("crownlabs"));
  EXPECT_EQ(data_plane_pid(), data_plane);
  EXPECT_EQ(lines_of(dir_ + "/starts"), 1U);
  EXPECT_EQ(lines_of(dir_ + "/applied"), 1U) << "the adopted data plane was given its document anew";
  EXPECT_TRUE(eventually([&] { return get("/metrics").find("isthmus_data_plane_up 1") != std::string::npos; }));
  // An adopted one is watched like a child.
  ::kill(data_plane, SIGKILL);
  EXPECT_TRUE(eventually([&] { return running() == "crownlabs"; }, 1000ms));
  EXPECT_EQ(lines_of(dir_ + "/starts"), 2U);
}

TEST_F(DaemonTest, ADataPlaneDoesNotKeepTheMetricsPortFromTheNextDaemon) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").find("200 OK") != std::string::npos; }));
  const int first = data_plane_pid();
  ::kill(first, SIGKILL);  // so that the next one is started while the port is open
  ASSERT_TRUE(eventually([&] { return running() == "crownlabs" && data_plane_pid() != first; }));
  end_daemon(SIGKILL);
  start();
  EXPECT_TRUE(eventually([&] { return get("/metrics").find("isthmus_data_plane_up 1") != std::string::npos; }));
}

TEST_F(DaemonTest, SigtermEndsBoth) {
  start();
  ASSERT_TRUE(runs("crownlabs"));
  EXPECT_EQ(end_daemon(SIGTERM), 0);
  EXPECT_EQ(data_plane_pid(200ms), 0);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/isthmusd.sock"));
}

TEST_F(DaemonTest, SigtermKillsADataPlaneThatDoesNotEnd) {
  set_mode("stubborn");
  start();
  ASSERT_TRUE(runs("crownlabs"));
  const Clock::time_point begin = Clock::now();
  EXPECT_EQ(end_daemon(SIGTERM), 0);
  EXPECT_GE(Clock::now() - begin, 2900ms);
  EXPECT_LT(Clock::now() - begin, 3900ms);
  EXPECT_EQ(data_plane_pid(200ms), 0);
}

TEST_F(DaemonTest, SigtermCanLeaveTheDataPlane) {
  start(true);
  ASSERT_TRUE(runs("crownlabs"));
  EXPECT_EQ(end_daemon(SIGTERM), 0);
  EXPECT_EQ(running(), "crownlabs");
}

TEST_F(DaemonTest, SecondDaemonRefuses) {
  start();
  ASSERT_TRUE(runs("crownlabs"));
  EXPECT_EQ(wait_for(fork_daemon()), 1);
  EXPECT_EQ(running(), "crownlabs");
  EXPECT_TRUE(daemon_says("crownlabs"));
}

TEST_F(DaemonTest, BadFileWithoutALastGoodIsAnError) {
  write_config("apiVersion: nonsense\n");
  EXPECT_EQ(wait_for(fork_daemon()), 1);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/starts"));
}

TEST_F(DaemonTest, BadFileAtStartRunsTheLastGood) {
  start();
  ASSERT_TRUE(daemon_says("crownlabs"));
  end_daemon(SIGTERM);
  write_config("apiVersion: nonsense\n");
  start();
  ASSERT_TRUE(runs("crownlabs"));
  EXPECT_TRUE(eventually([&] {
    const std::string ready = get("/readyz");
    return ready.find("200 OK") != std::string::npos && ready.find("last good document") != std::string::npos;
  }));
  EXPECT_NE(get("/metrics").find("\nisthmus_config_last_apply_successful 0\n"), std::string::npos);
}

TEST_F(DaemonTest, SighupReadsTheFileAgain) {
  start();
  ASSERT_TRUE(runs("crownlabs") && daemon_says("crownlabs"));
  write_config(document("renamed"));
  ::kill(daemon_, SIGHUP);
  EXPECT_TRUE(runs("renamed"));
  EXPECT_TRUE(daemon_says("renamed"));
  write_config("apiVersion: nonsense\n");
  ::kill(daemon_, SIGHUP);
  EXPECT_TRUE(eventually([&] { return get("/readyz").find("has 6 error") != std::string::npos; })) << get("/readyz");
  EXPECT_EQ(running(), "renamed");
}

TEST_F(DaemonTest, ApplyChecksHandsOverAndStores) {
  start();
  ASSERT_TRUE(daemon_says("crownlabs"));
  config::DesiredState bad = sample("next");
  bad.peers[0].endpoint = "x";
  const config::Response refused = apply(bad);
  ASSERT_EQ(refused.errors.size(), 1U);
  EXPECT_EQ(refused.errors[0].path, "peers[0].endpoint");
  EXPECT_EQ(running(), "crownlabs");

  const config::Response taken = apply(sample("next"));
  EXPECT_EQ(taken.error, "");
  EXPECT_TRUE(taken.changed);
  EXPECT_EQ(running(), "next");
  const auto stored = LastGood(dir_ + "/state").load();
  ASSERT_TRUE(std::holds_alternative<config::DesiredState>(stored));
  EXPECT_EQ(std::get<config::DesiredState>(stored), sample("next"));
  EXPECT_FALSE(apply(sample("next")).changed);

  set_mode("refuse");
  EXPECT_EQ(apply(sample("other")).error, "no such interface");
  EXPECT_EQ(running(), "next");
  EXPECT_EQ(std::get<config::DesiredState>(LastGood(dir_ + "/state").load()), sample("next"));
}

TEST_F(DaemonTest, WaitsUntilTheDataPlaneCanTakeTheDocument) {
  set_mode("refuse");
  start();
  ASSERT_TRUE(eventually([&] { return data_plane_pid() > 0; }));
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(running(), "");
  set_mode("");
  EXPECT_TRUE(runs("crownlabs"));
}

// Every system knows localhost without asking anybody; and nobody's gateway can be there.
TEST_F(DaemonTest, LooksUpNamesAndTellsWhyTheyAreNotUsed) {
  write_config(document_to("localhost:51820"));
  start();
  ASSERT_TRUE(runs("crownlabs"));
  std::string trouble;
  EXPECT_TRUE(eventually([&] {
    const auto response = call("isthmusd.sock", {});
    if (!response || !response->status || response->status->peers.empty()) return false;
    trouble = response->status->peers[0].name_trouble;
    return trouble.find("is an address of") != std::string::npos;
  })) << trouble;
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/endpoints"));
  const std::string ready = get("/readyz");
  EXPECT_NE(ready.find("200 OK"), std::string::npos) << ready;
}

TEST_F(DaemonTest, WorksOnWithoutADataPlane) {
  set_mode("exit");
  start();
  ASSERT_TRUE(eventually([&] { return call("isthmusd.sock", {}).has_value(); }));
  EXPECT_EQ(call("isthmusd.sock", {})->error, "the data plane does not answer");
  EXPECT_EQ(apply(sample("next")).error, "the data plane is not running at the moment; nothing was changed");
  // At once, then after 100, 200, 400 ms: not in a tight loop.
  std::this_thread::sleep_for(1000ms);
  EXPECT_GE(lines_of(dir_ + "/starts"), 3U);
  EXPECT_LE(lines_of(dir_ + "/starts"), 6U);
  set_mode("");
  EXPECT_TRUE(runs("crownlabs"));
}

TEST_F(DaemonTest, DoesNotAdoptADataPlaneOfAnotherRelease) {
  start(true);
  ASSERT_TRUE(runs("crownlabs"));
  end_daemon(SIGTERM);
  const int data_plane = data_plane_pid();
  set_mode("revision9");
  EXPECT_EQ(wait_for(fork_daemon()), 1);
  set_mode("");
  EXPECT_EQ(data_plane_pid(), data_plane);
  EXPECT_EQ(lines_of(dir_ + "/starts"), 1U);
}

}  // namespace
}  // namespace isthmus::control
