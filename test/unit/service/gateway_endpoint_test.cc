// Endpoints that are names: isthmusd looks them up, the gateway is told where they lead.

#include "dataplane/service/gateway.h"
#include "test/unit/service/two_gateways.h"

namespace isthmus::service {
namespace {

// As isthmusd says it.
config::Response tell(Gateway& gateway, const std::string& endpoint, bool anew = false, const std::string& peer = "b") {
  return gateway.handle(
      {.method = config::Method::kEndpoint, .endpoint = config::EndpointRequest{peer, endpoint, anew}});
}

TEST_F(TwoGateways, EndpointOfANameIsToldWithoutANewGeneration) {
  a.document.peers[0].endpoint = "gw.example.org:51820";
  ASSERT_TRUE(apply(a).changed);
  b.document.peers[0].endpoint = "";  // only a can begin
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  pass(3s);
  EXPECT_EQ(status(a).peers[0].endpoint, "");
  EXPECT_EQ(status(a).peers[0].endpoint_name, "gw.example.org:51820");
  EXPECT_EQ(status(a).peers[0].handshake_pending_seconds, 3);
  EXPECT_TRUE(delivered.empty());

  const config::Response told = tell(a.gateway, "192.0.2.2:51820");
  EXPECT_EQ(told.error, "");
  EXPECT_TRUE(told.changed);
  EXPECT_EQ(told.generation, 1U);
  pass(100ms);
  EXPECT_EQ(delivered.size(), 1U) << "the handshake begins at once";
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_EQ(status(a).peers[0].handshake_pending_seconds, 0);
  EXPECT_EQ(status(a).generation, 1U);
}

TEST_F(TwoGateways, EndpointOfANameReplacesALearnedOneOnlyWhenItIsNews) {
  a.document.peers[0].endpoint = "gw.example.org:51820";
  a.document.underlay_port.gateway = "192.0.2.2";  // every address has a way
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);  // begins by itself: a learns where it is
  settle();
  ASSERT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_TRUE(tell(a.gateway, "198.51.100.7:51820").changed);
  EXPECT_EQ(status(a).peers[0].endpoint, "198.51.100.7:51820");
  pod_sends(b, PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").udp(1, 2));
  settle();
  ASSERT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820") << "it roams";

  EXPECT_FALSE(tell(a.gateway, "198.51.100.7:51820").changed) << "no news";
  EXPECT_FALSE(apply(a).changed);
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_TRUE(tell(a.gateway, "198.51.100.7:51820", true).changed);
  EXPECT_EQ(status(a).peers[0].endpoint, "198.51.100.7:51820");
  EXPECT_FALSE(tell(a.gateway, "198.51.100.7:51820", true).changed);
}

TEST_F(TwoGateways, EndpointOfANameStaysAcrossOtherChangesOfTheDocument) {
  a.document.peers[0].endpoint = "gw.example.org:51820";
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(tell(a.gateway, "192.0.2.7:51820").changed);
  a.document.peers[0].remote[0].seen_as = "10.81.0.0/16";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.7:51820");
  EXPECT_FALSE(tell(a.gateway, "192.0.2.7:51820").changed);
  a.document.peers[0].endpoint = "192.0.2.2:51820";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_EQ(status(a).peers[0].endpoint_name, "");
  a.document.peers[0].endpoint = "other.example.org:51820";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_TRUE(tell(a.gateway, "192.0.2.7:51820").changed) << "another name's address is news again";
}

TEST_F(TwoGateways, EndpointIsRefusedWithAReason) {
  EXPECT_EQ(tell(a.gateway, "192.0.2.7:51820").error, "no peer is called 'b'") << "no document yet";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_EQ(tell(a.gateway, "192.0.2.7:51820").error, "the document has no endpoint name for b");
  a.document.peers[0].endpoint = "gw.example.org:51820";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_EQ(tell(a.gateway, "192.0.2.7:51820", false, "c").error, "no peer is called 'c'");
  EXPECT_EQ(tell(a.gateway, "192.0.2.7").error, "'192.0.2.7' is not an address and port");
  EXPECT_EQ(tell(a.gateway, "gw:1").error, "'gw:1' is not an address and port");
  EXPECT_EQ(tell(a.gateway, "127.0.0.1:51820").error, "127.0.0.1:51820 is an address of loopback (127.0.0.0/8)");
  EXPECT_EQ(a.gateway.handle({.method = config::Method::kEndpoint}).error, "no peer is called ''");
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820") << "what was known before the name stays";
}

}  // namespace
}  // namespace isthmus::service
