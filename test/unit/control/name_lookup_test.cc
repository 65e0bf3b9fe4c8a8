#include "control/name_lookup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace isthmus::control {
namespace {

using namespace std::chrono_literals;

// No test asks a network: every system knows localhost, and a name that is too long for DNS is refused without asking.
const std::string kNobody = std::string(64, 'x') + ".invalid";

struct Answers {
  boost::asio::io_context io;
  std::map<std::string, EndpointPolicy::Answer> by_host;
  std::size_t count = 0;
  std::unique_ptr<NameLookup> lookup =
      std::make_unique<NameLookup>(io, [this](const std::string& host, EndpointPolicy::Answer answer) {
        by_host[host] = std::move(answer);
        ++count;
      });

  void wait_for(std::size_t answers) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (count < answers && std::chrono::steady_clock::now() < deadline) {
      io.restart();
      io.run_for(10ms);
    }
  }
};

TEST(NameLookup, GivesAddressesOrTheReason) {
  Answers answers;
  answers.lookup->start("localhost");
  answers.lookup->start(kNobody);
  EXPECT_EQ(answers.count, 0U) << "it does not wait";
  answers.wait_for(2);
  const EndpointPolicy::Answer& local = answers.by_host["localhost"];
  EXPECT_EQ(local.error, "");
  const IpAddress loopback = Ipv4Address{0x7f000001};
  EXPECT_NE(std::find(local.addresses.begin(), local.addresses.end(), loopback), local.addresses.end());
  EXPECT_NE(answers.by_host[kNobody].error, "");
  EXPECT_TRUE(answers.by_host[kNobody].addresses.empty());
}

TEST(NameLookup, AnswersEachOfMany) {
  Answers answers;
  for (int i = 0; i < 100; ++i) answers.lookup->start("localhost");
  answers.wait_for(100);
  EXPECT_EQ(answers.count, 100U);
}

TEST(NameLookup, MayGoBeforeItsAnswers) {
  Answers answers;
  for (int i = 0; i < 100; ++i) answers.lookup->start("localhost");
  answers.lookup.reset();
  const std::size_t before = answers.count;
  answers.io.restart();
  answers.io.run_for(50ms);
  EXPECT_EQ(answers.count, before);
}

}  // namespace
}  // namespace isthmus::control
