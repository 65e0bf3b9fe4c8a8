#include "dataplane/packet/address.h"

#include <gtest/gtest.h>

#include <string>

namespace isthmus {
namespace {

TEST(Address, Ipv4TextIsReadStrictly) {
  EXPECT_EQ(parse_ipv4("10.0.0.1"), Ipv4Address{0x0a000001});
  EXPECT_EQ(parse_ipv4("255.255.255.255"), Ipv4Address{0xffffffff});
  for (const char* bad : {"", "10.0.0", "10.0.0.1.2", "10.0.0.256", "10.0.0.01", " 10.0.0.1", "10.0.0.1 ", "0x0a.0.0.1",
                          "10.0.0.-1", "1000000000000000000000000000000000000000000000000000"}) {
    EXPECT_EQ(parse_ipv4(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_ipv4(std::string_view("10.0.0.1\0", 9)), std::nullopt);
}

TEST(Address, Ipv6TextIsReadAndWrittenShort) {
  for (const char* text : {"::", "::1", "2001:db8::1", "fe80::1:2:3:4", "1:2:3:4:5:6:7:8"}) {
    const auto address = parse_ipv6(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
  }
  EXPECT_EQ(to_string(*parse_ipv6("2001:DB8:0:0:0:0:0:1")), "2001:db8::1");
  for (const char* bad : {"", ":", "1:2:3", "::1%eth0", "1::2::3", "[::1]"}) EXPECT_EQ(parse_ipv6(bad), std::nullopt);
}

TEST(Address, EitherFamilyByItsText) {
  EXPECT_EQ(parse_ip("192.0.2.1"), IpAddress{*parse_ipv4("192.0.2.1")});
  EXPECT_EQ(parse_ip("2001:db8::1"), IpAddress{*parse_ipv6("2001:db8::1")});
  EXPECT_EQ(parse_ip("gateway"), std::nullopt);
}

TEST(Address, Mac) {
  EXPECT_EQ(parse_mac("02:00:0a:fF:00:01"), (MacAddress{{0x02, 0, 0x0a, 0xff, 0, 1}}));
  EXPECT_EQ(to_string(*parse_mac("02:00:0a:fF:00:01")), "02:00:0a:ff:00:01");
  for (const char* bad : {"", "02:00:0a:ff:00", "02:00:0a:ff:00:01:02", "02-00-0a-ff-00-01", "2:00:0a:ff:00:010",
                          "02:00:0a:ff:00:0g", "02:00:0a:ff:00:-1"}) {
    EXPECT_EQ(parse_mac(bad), std::nullopt) << bad;
  }
}

TEST(Address, EndpointRoundTrip) {
  for (const char* text : {"192.0.2.1:51820", "[2001:db8::1]:1", "0.0.0.0:65535"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(to_string(*endpoint), text);
  }
  EXPECT_EQ(parse_endpoint("192.0.2.1:51820")->port, 51820);
  for (const char* bad : {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:+1", "[::1]",
                          "::1:80", "[192.0.2.1]:80", "192.0.2.1:080", ":80", "[]:80"}) {
    EXPECT_EQ(parse_endpoint(bad), std::nullopt) << bad;
  }
}

TEST(Address, Ipv4PrefixSaysWhatIsWrong) {
  EXPECT_EQ(std::get<Ipv4Prefix>(parse_ipv4_prefix("10.0.0.0/8")), (Ipv4Prefix{{0x0a000000}, 8}));
  EXPECT_EQ(std::get<Ipv4Prefix>(parse_ipv4_prefix("0.0.0.0/0")), Ipv4Prefix{});
  EXPECT_EQ(std::get<Ipv4Prefix>(parse_ipv4_prefix("1.2.3.4/32")), (Ipv4Prefix{{0x01020304}, 32}));
  EXPECT_EQ(std::get<PrefixError>(parse_ipv4_prefix("10.0.0.1/8")), PrefixError::kHostBits);
  EXPECT_EQ(std::get<PrefixError>(parse_ipv4_prefix("10.0.0.0/33")), PrefixError::kLength);
  EXPECT_EQ(std::get<PrefixError>(parse_ipv4_prefix("10.0.0.0/288")), PrefixError::kLength);
  for (const char* bad : {"", "10.0.0.0", "10.0.0.0/", "/8", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8", "10/8"}) {
    EXPECT_EQ(std::get<PrefixError>(parse_ipv4_prefix(bad)), PrefixError::kSyntax) << bad;
  }
}

TEST(Address, Ipv6PrefixSaysWhatIsWrong) {
  EXPECT_EQ(std::get<Ipv6Prefix>(parse_ipv6_prefix("2001:db8::/32")).length, 32);
  EXPECT_EQ(std::get<Ipv6Prefix>(parse_ipv6_prefix("fe00::/7")).length, 7);
  EXPECT_EQ(std::get<Ipv6Prefix>(parse_ipv6_prefix("::1/128")).length, 128);
  EXPECT_EQ(std::get<PrefixError>(parse_ipv6_prefix("fe00::/6")), PrefixError::kHostBits);
  EXPECT_EQ(std::get<PrefixError>(parse_ipv6_prefix("2001:db8::1/127")), PrefixError::kHostBits);
  EXPECT_EQ(std::get<PrefixError>(parse_ipv6_prefix("2001:db8::/129")), PrefixError::kLength);
  EXPECT_EQ(std::get<PrefixError>(parse_ipv6_prefix("10.0.0.0/8")), PrefixError::kSyntax);
}

TEST(Address, InterfaceAddressKeepsItsHostBits) {
  for (const char* text : {"192.0.2.1/24", "2001:db8::1/64"}) {
    const auto address = parse_interface_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
  }
  for (const char* bad : {"192.0.2.1", "192.0.2.1/33", "::1/129", "x/8"}) {
    EXPECT_EQ(parse_interface_address(bad), std::nullopt) << bad;
  }
}

TEST(Address, PrefixSetRelations) {
  const Ipv4Prefix wide = make_prefix(*parse_ipv4("10.1.2.3"), 8);
  const Ipv4Prefix narrow = make_prefix(*parse_ipv4("10.1.2.3"), 24);
  EXPECT_EQ(to_string(wide), "10.0.0.0/8");
  EXPECT_EQ(to_string(narrow), "10.1.2.0/24");
  EXPECT_EQ(to_string(make_prefix(*parse_ipv4("10.1.2.3"), 0)), "0.0.0.0/0");
  EXPECT_TRUE(wide.overlaps(narrow));
  EXPECT_TRUE(narrow.overlaps(wide));
  EXPECT_FALSE(narrow.overlaps(make_prefix(*parse_ipv4("10.1.3.0"), 24)));
  EXPECT_TRUE(narrow.contains(*parse_ipv4("10.1.2.255")));
  EXPECT_FALSE(narrow.contains(*parse_ipv4("10.1.3.0")));
}

}  // namespace
}  // namespace isthmus
