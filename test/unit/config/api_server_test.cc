#include "dataplane/config/api_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "dataplane/config/codec.h"
#include "dataplane/config/framing.h"

namespace isthmus::config {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A client that only knows sockets: what the server must endure cannot be sent by our own client.
class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void send(const std::string& bytes) const {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), bytes.size());
  }
  // Sends until the server, whose answers nobody reads, takes no more.
  void flood(const std::string& bytes) const {
    pollfd entry{fd_, POLLOUT, 0};
    while (::poll(&entry, 1, 100) == 1) {
      if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN) break;
    }
  }
  // The next answer, or "closed", or "nothing" after the time.
  std::string receive(std::chrono::milliseconds time = 5000ms) const {
    FrameHeader header{};
    const std::string problem = read_all(header.data(), header.size(), time);
    if (!problem.empty()) return problem;
    std::string text(frame_length(header).value_or(0), '\0');
    const std::string broken = read_all(text.data(), text.size(), time);
    return broken.empty() ? text : broken;
  }

 private:
  std::string read_all(void* data, std::size_t size, std::chrono::milliseconds time) const {
    std::size_t done = 0;
    while (done < size) {
      pollfd entry{fd_, POLLIN, 0};
      if (::poll(&entry, 1, static_cast<int>(time.count())) != 1) return "nothing";
      const ssize_t count = ::recv(fd_, static_cast<char*>(data) + done, size - done, 0);
      if (count <= 0) return "closed";
      done += static_cast<std::size_t>(count);
    }
    return {};
  }

  int fd_;
  bool connected_ = false;
};

class ApiServerTest : public testing::Test {
 protected:
  ApiServerTest() : directory_(testing::TempDir() + "api-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(directory_);
    path_ = directory_ + "/x.sock";
  }
  ~ApiServerTest() override {
    stop();
    std::filesystem::remove_all(directory_);
  }

  void start(ApiServer::Limits limits = {}) {
    const auto answer = [](Request request) -> boost::asio::awaitable<Response> {
      if (request.method == Method::kState) throw std::runtime_error("handler fell over");
      Response response;
      response.generation = 42;
      if (request.state) response.error = std::string(kMaxMessage, 'x');
      co_return response;
    };
    server_ = std::make_unique<ApiServer>(io_, path_, ApiServer::AsyncHandler(answer), limits);
    thread_ = std::thread([this] {
      const auto work = boost::asio::make_work_guard(io_);
      io_.run();
    });
  }
  void stop() {
    if (!thread_.joinable()) return;
    boost::asio::post(io_, [this] {
      server_.reset();
      io_.stop();
    });
    thread_.join();
  }

  std::string directory_;
  std::string path_;
  boost::asio::io_context io_;
  std::unique_ptr<ApiServer> server_;
  std::thread thread_;
};

const std::string kAsk = R"({"revision":3,"method":"status"})";

bool is_good(const std::string& text) {
  const auto decoded = decode_response(text);
  const Response* response = std::get_if<Response>(&decoded);
  return response != nullptr && response->error.empty() && response->generation == 42;
}

std::string error_in(const std::string& text) {
  const auto decoded = decode_response(text);
  const Response* response = std::get_if<Response>(&decoded);
  return response != nullptr ? response->error : text;
}

TEST_F(ApiServerTest, AnswersManyRequestsOnOneConnection) {
  start();
  RawClient client(path_);
  for (int i = 0; i < 3; ++i) {
    client.send(frame(kAsk));
    EXPECT_TRUE(is_good(client.receive()));
  }
  client.send(frame(kAsk) + frame(kAsk));  // both at once, and the second in pieces of one byte
  EXPECT_TRUE(is_good(client.receive()));
  EXPECT_TRUE(is_good(client.receive()));
  for (const char c : frame(kAsk)) client.send(std::string(1, c));
  EXPECT_TRUE(is_good(client.receive()));
}

TEST_F(ApiServerTest, TellsWhatIsWrongAndGoesOn) {
  start();
  RawClient client(path_);
  client.send(frame("garbage"));
  EXPECT_EQ(error_in(client.receive()).find("request: not JSON"), 0U);
  client.send(frame(""));
  EXPECT_EQ(error_in(client.receive()).find("request: not JSON"), 0U);
  client.send(frame(R"({"revision":9,"verb":"x"})"));
  EXPECT_NE(error_in(client.receive()).find("revision 9"), std::string::npos);
  client.send(frame(R"({"revision":3,"method":"state"})"));
  EXPECT_EQ(error_in(client.receive()), "handler fell over");
  client.send(frame(kAsk));
  EXPECT_TRUE(is_good(client.receive()));
}

TEST_F(ApiServerTest, ClosesAClientThatAnnouncesTooMuch) {
  start();
  RawClient client(path_);
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.receive(), "closed");
  RawClient next(path_);
  next.send(frame(kAsk));
  EXPECT_TRUE(is_good(next.receive()));
}

TEST_F(ApiServerTest, ReplacesAnAnswerThatIsTooLong) {
  start();
  Request request;
  request.method = Method::kApply;
  request.state = DesiredState{};
  RawClient client(path_);
  client.send(frame(encode(request)));
  EXPECT_EQ(error_in(client.receive()), "the answer is longer than the API's largest message");
}

TEST_F(ApiServerTest, ClosesSlowAndSilentClientsAndServesOthersMeanwhile) {
  ApiServer::Limits limits;
  limits.message = 200ms;
  limits.silence = 400ms;
  start(limits);
  RawClient silent(path_);
  RawClient slow(path_);
  const Clock::time_point begin = Clock::now();
  slow.send(std::string("\0\0\1", 3));
  RawClient quick(path_);
  quick.send(frame(kAsk));
  EXPECT_TRUE(is_good(quick.receive(150ms)));
  EXPECT_EQ(slow.receive(), "closed");
  EXPECT_GE(Clock::now() - begin, 190ms);
  EXPECT_LT(Clock::now() - begin, 390ms);
  EXPECT_EQ(silent.receive(), "closed");
  EXPECT_GE(Clock::now() - begin, 390ms);
}

TEST_F(ApiServerTest, ClosesAClientThatDoesNotRead) {
  ApiServer::Limits limits;
  limits.message = 200ms;
  limits.connections = 1;
  start(limits);
  RawClient client(path_);
  client.flood(frame(kAsk));
  std::this_thread::sleep_for(600ms);
  RawClient next(path_);  // the only place is free again
  next.send(frame(kAsk));
  EXPECT_TRUE(is_good(next.receive()));
}

TEST_F(ApiServerTest, TakesNoMoreConnectionsThanItsLimit) {
  start();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<RawClient>(path_));
    clients.back()->send(frame(kAsk));
    ASSERT_TRUE(is_good(clients.back()->receive())) << i;
  }
  RawClient refused(path_);
  EXPECT_EQ(refused.receive(), "closed");
  clients.pop_back();
  std::this_thread::sleep_for(100ms);
  RawClient welcome(path_);
  welcome.send(frame(kAsk));
  EXPECT_TRUE(is_good(welcome.receive()));
}

TEST_F(ApiServerTest, SocketIsItsOwnersOnly) {
  const mode_t before = ::umask(0);
  start();
  ::umask(before);
  struct stat found {};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
}

std::string start_error(const std::string& path) {
  boost::asio::io_context io;
  try {
    ApiServer server(io, path, [](const Request&) { return Response{}; });
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

TEST_F(ApiServerTest, RefusesAPathThatIsServed) {
  start();
  EXPECT_EQ(start_error(path_), "another program already serves " + path_ + "; stop it first");
  RawClient client(path_);  // and has not taken the socket from the first
  client.send(frame(kAsk));
  EXPECT_TRUE(is_good(client.receive()));
}

int foreign_listener(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd, 1), 0);
  return fd;
}

TEST_F(ApiServerTest, ReplacesASocketOnlyIfNobodyAnswers) {
  const int fd = foreign_listener(path_);
  EXPECT_EQ(start_error(path_), "another program already answers on " + path_ + "; stop it first");
  ::close(fd);
  ASSERT_TRUE(std::filesystem::exists(path_));
  EXPECT_EQ(start_error(path_), "");
  EXPECT_FALSE(std::filesystem::exists(path_));  // removed with the server
}

TEST_F(ApiServerTest, SaysWhyItCannotListen) {
  EXPECT_NE(start_error(directory_ + "/missing/x.sock").find("No such file"), std::string::npos);
  EXPECT_NE(start_error(directory_ + "/" + std::string(200, 'x')).find("too long"), std::string::npos);
  const int fd = ::open(path_.c_str(), O_CREAT | O_WRONLY, 0600);
  ::close(fd);
  EXPECT_NE(start_error(path_).find("not a socket"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ApiServerTest, EndsWithClientsConnected) {
  start();
  RawClient client(path_);
  client.send(frame(kAsk));
  EXPECT_TRUE(is_good(client.receive()));
  stop();
  EXPECT_EQ(client.receive(), "closed");
}

}  // namespace
}  // namespace isthmus::config
