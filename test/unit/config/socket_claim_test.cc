#include "dataplane/config/socket_claim.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <vector>

namespace isthmus::config {
namespace {

// Who comes while another goes must find either its lock or none, and never one that nobody else would find.
TEST(SocketClaim, IsHeldByOneAtATimeAlsoWhileLocksComeAndGo) {
  const std::string directory = testing::TempDir() + "claim-" + std::to_string(::getpid());
  std::filesystem::create_directories(directory);
  std::atomic<int> holders{0};
  std::atomic<int> most{0};
  std::atomic<int> claims{0};
  const auto claim_often = [&] {
    for (int i = 0; i < 30000; ++i) {
      try {
        const SocketClaim claim(directory + "/x.sock");
        most = std::max(most.load(), ++holders);
        ++claims;
        std::this_thread::yield();
        --holders;
      } catch (const std::runtime_error&) {
        std::this_thread::yield();
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(claim_often);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
  EXPECT_GT(claims, 100);
  EXPECT_TRUE(std::filesystem::is_empty(directory));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace isthmus::config
