#include "dataplane/service/wg_server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace isthmus::service {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class Client {
 public:
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& text) const {
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t count = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }
  // Everything up to an answer's blank line, or "closed", or "nothing" after the time.
  std::string receive(std::chrono::milliseconds time = 5000ms) const {
    std::string text;
    while (!text.ends_with("\n\n")) {
      pollfd entry{fd_, POLLIN, 0};
      if (::poll(&entry, 1, static_cast<int>(time.count())) != 1) return "nothing";
      char byte = 0;
      if (::recv(fd_, &byte, 1, 0) <= 0) return "closed";
      text += byte;
    }
    return text;
  }

 private:
  int fd_;
};

class WgServerTest : public testing::Test {
 protected:
  WgServerTest() : directory_(testing::TempDir() + "wg-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(directory_);
    path_ = directory_ + "/x.sock";
  }
  ~WgServerTest() override {
    if (thread_.joinable()) stop();
    std::filesystem::remove_all(directory_);
  }

  // Answers with the request's length.
  void start(WgServer::Limits limits = {}) {
    const auto answer = [](std::string_view request) -> config::SecretText {
      if (request == "fall over\n\n") throw std::runtime_error("fell over");
      return config::SecretText(std::to_string(request.size())) + "\n\n";
    };
    server_ = std::make_unique<WgServer>(io_, path_, answer, limits);
    thread_ = std::thread([this] {
      const auto work = boost::asio::make_work_guard(io_);
      io_.run();
    });
  }
  void stop() {
    boost::asio::post(io_, [this] {
      server_.reset();
      io_.stop();
    });
    thread_.join();
  }

  std::string directory_;
  std::string path_;
  boost::asio::io_context io_;
  std::unique_ptr<WgServer> server_;
  std::thread thread_;
};

TEST_F(WgServerTest, AnswersOneRequestAfterTheOther) {
  start();
  const Client client(path_);
  client.send("get=1\n\n");
  EXPECT_EQ(client.receive(), "7\n\n");
  client.send("get=1\n\nset=1\na=b\n\n");  // both at once
  EXPECT_EQ(client.receive(), "7\n\n");
  EXPECT_EQ(client.receive(), "11\n\n");
  for (const char c : std::string("get=1\n\n")) client.send(std::string(1, c));
  EXPECT_EQ(client.receive(), "7\n\n");
  client.send("\n");
  EXPECT_EQ(client.receive(), "1\n\n");
}

TEST_F(WgServerTest, TakesALongRequestAndNoLongerOne) {
  WgServer::Limits limits;
  limits.request = 100000;
  limits.message = 60s;  // what closes is the length
  start(limits);
  const std::string line(99, 'a');
  std::string text;
  while (text.size() + 102 < limits.request) text += line + "\n";
  const Client client(path_);
  client.send(text + "\n");
  EXPECT_EQ(client.receive(), std::to_string(text.size() + 1) + "\n\n");
  client.send(text + text);
  EXPECT_EQ(client.receive(), "closed");
}

TEST_F(WgServerTest, AHandlersExceptionIsAnError) {
  start();
  const Client client(path_);
  client.send("fall over\n\n");
  EXPECT_EQ(client.receive(), "errno=-5\n\n");
  client.send("get=1\n\n");
  EXPECT_EQ(client.receive(), "7\n\n");
}

TEST_F(WgServerTest, ClosesSlowAndSilentClientsAndServesOthersMeanwhile) {
  WgServer::Limits limits;
  limits.message = 200ms;
  limits.silence = 400ms;
  start(limits);
  const Client silent(path_);
  const Client slow(path_);
  const Clock::time_point begin = Clock::now();
  slow.send("get=1\n");
  const Client quick(path_);
  quick.send("get=1\n\n");
  EXPECT_EQ(quick.receive(150ms), "7\n\n");
  EXPECT_EQ(slow.receive(), "closed");
  EXPECT_GE(Clock::now() - begin, 190ms);
  EXPECT_LT(Clock::now() - begin, 390ms);
  EXPECT_EQ(silent.receive(), "closed");
  EXPECT_GE(Clock::now() - begin, 390ms);
}

TEST_F(WgServerTest, TakesNoMoreConnectionsThanItsLimit) {
  WgServer::Limits limits;
  limits.connections = 2;
  start(limits);
  const Client first(path_);
  auto second = std::make_unique<Client>(path_);
  for (const Client* client : std::initializer_list<const Client*>{&first, second.get()}) {
    client->send("get=1\n\n");
    EXPECT_EQ(client->receive(), "7\n\n");
  }
  EXPECT_EQ(Client(path_).receive(), "closed");
  second.reset();
  std::string answer = "closed";
  for (int i = 0; i < 100 && answer == "closed"; ++i) {
    const Client next(path_);
    next.send("get=1\n\n");
    answer = next.receive();
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(answer, "7\n\n");
}

TEST_F(WgServerTest, SocketIsItsOwnersOnlyAndGoesWithTheServer) {
  const mode_t before = ::umask(0);
  start();
  ::umask(before);
  struct stat found {};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  const Client client(path_);
  client.send("get=1\n\n");
  EXPECT_EQ(client.receive(), "7\n\n");
  stop();
  EXPECT_EQ(client.receive(), "closed");
  EXPECT_TRUE(std::filesystem::is_empty(directory_)) << "neither the socket nor its lock is left";
}

TEST_F(WgServerTest, RefusesAPathThatIsServed) {
  start();
  boost::asio::io_context io;
  EXPECT_THROW(WgServer(io, path_, [](std::string_view) { return config::SecretText(); }), std::runtime_error);
  const Client client(path_);
  client.send("get=1\n\n");
  EXPECT_EQ(client.receive(), "7\n\n");
}

}  // namespace
}  // namespace isthmus::service
