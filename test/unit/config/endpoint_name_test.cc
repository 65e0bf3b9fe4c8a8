#include "dataplane/config/endpoint_name.h"

#include <gtest/gtest.h>

namespace isthmus::config {
namespace {

const std::string kLabel63(63, 'a');
// 253 characters, the most there may be: three labels of 63 and one of 61.
const std::string kLongest = kLabel63 + "." + kLabel63 + "." + kLabel63 + "." + std::string(61, 'b');

TEST(EndpointName, ReadsHostAndPort) {
  EXPECT_EQ(parse_endpoint_name("gw.example.org:51820"), (EndpointName{"gw.example.org", 51820}));
  EXPECT_EQ(parse_endpoint_name("gw:1"), (EndpointName{"gw", 1}));
  EXPECT_EQ(parse_endpoint_name("GW-1.example.org.:65535"), (EndpointName{"GW-1.example.org.", 65535}));
  EXPECT_EQ(to_string(EndpointName{"gw.example.org", 51820}), "gw.example.org:51820");
}

TEST(EndpointName, NeedsAPort) {
  for (const char* text :
       {"gw", "gw:", "gw:0", "gw:65536", "gw:-1", "gw:+1", "gw: 1", "gw:1 ", "gw:0x1", "gw:1:2", ":1", ""}) {
    EXPECT_EQ(parse_endpoint_name(text), std::nullopt) << text;
  }
}

TEST(EndpointName, IsAHostNameOfRfc1123) {
  for (const std::string& name :
       {std::string("a"), std::string("3com.com"), std::string("4gw"), std::string("xn--bcher-kva.example"),
        std::string("1.2.3.4.example"), std::string("0x7g"), std::string("gw.example."), kLabel63, kLongest,
        kLongest + "."}) {
    EXPECT_TRUE(is_host_name(name)) << name;
  }
  for (const std::string& name :
       {std::string(""), std::string("."), std::string(".."), std::string(".gw"), std::string("a..b"),
        std::string("gw.."), std::string("-gw"), std::string("gw-"), std::string("a.-b"), std::string("g_w"),
        std::string("g w"), std::string("gw\n"), std::string("g\0w", 3), std::string("b\xc3\xbc"), std::string("gw/x"),
        std::string("[gw]"), std::string("fe80::1"), kLabel63 + "a", kLongest + "b"}) {
    EXPECT_FALSE(is_host_name(name)) << name;
  }
}

// getaddrinfo takes more for an address than we do.
TEST(EndpointName, ABrokenAddressIsNoName) {
  for (const char* text :
       {"192.0.2.300", "192.0.2", "1", "1.", "127.1", "0x7f000001", "0X7f.1", "017700000001", "10.0.0.1.2", ""}) {
    EXPECT_TRUE(looks_like_address(text)) << text;
    EXPECT_FALSE(is_host_name(text)) << text;
  }
  EXPECT_FALSE(looks_like_address("1.2.3.4.example"));
}

}  // namespace
}  // namespace isthmus::config
