#include "dataplane/service/kernel_next_hops.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace isthmus::service {
namespace {

// What follows changes needs root: test/netns/kernel_net_test.sh.

TEST(KernelNextHops, NamesTheInterfacesThatExist) {
  boost::asio::io_context context;
  for (const char* name : {"nosuch0", "a_name_longer_than_any_interface_may_have", ""}) {
    try {
      KernelNextHops source(context, name, [] {});
      FAIL() << name << " exists";
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find("interface " + std::string(name) + " does not exist"),
                std::string::npos);
      EXPECT_NE(std::string(error.what()).find("there are: lo"), std::string::npos) << error.what();
    }
  }
}

TEST(KernelNextHops, ReadsTheLoopbackAndDiesQuietly) {
  boost::asio::io_context context;
  int changes = 0;
  {
    KernelNextHops source(context, "lo", [&] { ++changes; });
    EXPECT_EQ(source.mac(), MacAddress{});
    EXPECT_FALSE(source.path_to(*parse_ip("2001:db8::1")));
    for (const auto& own : source.addresses()) EXPECT_NE(to_string(own), "");
    context.poll();
  }
  context.restart();
  context.poll();
  EXPECT_EQ(changes, 0);
}

}  // namespace
}  // namespace isthmus::service
