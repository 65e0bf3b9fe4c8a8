#include "dataplane/service/device_next_hops.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <vector>

#include "dataplane/packet/headers.h"
#include "dataplane/packet/neighbour_messages.h"

namespace isthmus::service {
namespace {

using namespace std::chrono_literals;

constexpr MacAddress kOwn{{2, 0, 0, 0, 0, 2}};
constexpr MacAddress kPodMac{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress kOther{{2, 0, 0, 0, 0, 9}};
constexpr MacAddress kBroadcast{{255, 255, 255, 255, 255, 255}};

IpAddress ip(const char* text) { return *parse_ip(text); }

// A frame with memory of its own.
struct Frame {
  Frame() {
    packet.data = memory.data();
    packet.tailroom = static_cast<std::uint16_t>(memory.size());
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(256);
  Packet packet;
};

class DeviceNextHopsTest : public ::testing::Test {
 protected:
  NeighbourMessage sent(std::size_t i) {
    const auto message = parse_neighbour_message(frames.at(i).packet);
    EXPECT_TRUE(message);
    return message.value_or(NeighbourMessage{});
  }
  const MacAddress& sent_to(std::size_t i) { return frames.at(i).packet.header<EthernetHeader>()->destination; }
  void hear_request(const MacAddress& mac, const IpAddress& from, const IpAddress& target) {
    Frame frame;
    write_neighbour_request(frame.packet, mac, from, target);
    source.receive(frame.packet);
  }
  void hear_reply(const MacAddress& mac, const IpAddress& about, const IpAddress& to) {
    Frame frame;
    write_neighbour_reply(frame.packet, mac, about, kOwn, to);
    source.receive(frame.packet);
  }
  void run_a_moment() { context.run_for(20ms); }

  boost::asio::io_context context;
  std::deque<Frame> frames;
  int changes = 0;
  const std::vector<InterfaceAddress> addresses{*parse_interface_address("10.9.0.2/24"),
                                                *parse_interface_address("172.16.0.2/16"),
                                                *parse_interface_address("2001:db8:9::2/64")};
  DeviceNextHops source{context,
                        kOwn,
                        addresses,
                        ip("10.9.0.254"),
                        [this](const auto& write) { write(frames.emplace_back().packet); },
                        [this] { ++changes; }};
};

TEST_F(DeviceNextHopsTest, AnswersForItsOwnAddressesOnly) {
  hear_request(kPodMac, ip("10.9.0.1"), ip("10.9.0.3"));
  EXPECT_TRUE(frames.empty());
  hear_request(kPodMac, ip("10.9.0.1"), ip("10.9.0.2"));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_FALSE(sent(0).is_request);
  EXPECT_EQ(sent(0).target, ip("10.9.0.2"));
  EXPECT_EQ(sent(0).sender_mac, kOwn);
  EXPECT_EQ(sent_to(0), kPodMac);
  hear_request(kPodMac, ip("2001:db8:9::1"), ip("2001:db8:9::2"));
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(sent(1).target, ip("2001:db8:9::2"));
  EXPECT_EQ(sent_to(1), kPodMac);
}

TEST_F(DeviceNextHopsTest, LearnsWhoAsksForUs) {
  hear_request(kPodMac, ip("10.9.0.1"), ip("10.9.0.2"));
  EXPECT_EQ(changes, 0);  // never inside a call
  run_a_moment();
  EXPECT_EQ(changes, 1);
  const auto snapshot = source.snapshot();
  ASSERT_NE(snapshot->mac({0x0a090001}), nullptr);
  EXPECT_EQ(*snapshot->mac({0x0a090001}), kPodMac);
}

TEST_F(DeviceNextHopsTest, DoesNotLearnFromAnybodyElse) {
  hear_request(kPodMac, ip("10.9.0.1"), ip("10.9.0.3"));    // not for us
  hear_reply(kPodMac, ip("10.9.0.5"), ip("10.9.0.2"));      // not asked for
  hear_request(kPodMac, ip("192.0.2.1"), ip("10.9.0.2"));   // not of this link
  hear_request(kPodMac, ip("10.9.0.2"), ip("172.16.0.2"));  // takes our own address
  hear_request(kOwn, ip("10.9.0.6"), ip("10.9.0.2"));       // our own MAC
  hear_request(MacAddress{}, ip("10.9.0.7"), ip("10.9.0.2"));
  hear_request(kPodMac, ip("0.0.0.0"), ip("10.9.0.2"));  // a probe for a duplicate (RFC 5227)
  run_a_moment();
  EXPECT_EQ(changes, 0);
}

TEST_F(DeviceNextHopsTest, DoesNotAnswerWhoeverClaimsToBeUs) {
  hear_request(kPodMac, ip("10.9.0.2"), ip("10.9.0.2"));
  hear_request(kPodMac, ip("10.9.0.2"), ip("172.16.0.2"));
  EXPECT_TRUE(frames.empty());
}

TEST_F(DeviceNextHopsTest, AnswersAProbeForADuplicateAddress) {
  hear_request(kPodMac, ip("::"), ip("2001:db8:9::2"));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(sent(0).target, ip("2001:db8:9::2"));
}

TEST_F(DeviceNextHopsTest, FindsThePathOnLinkAndOverTheGateway) {
  EXPECT_FALSE(source.path_to(ip("10.9.0.1")));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_TRUE(sent(0).is_request);
  EXPECT_EQ(sent(0).target, ip("10.9.0.1"));
  EXPECT_EQ(sent(0).sender, ip("10.9.0.2"));
  EXPECT_EQ(sent_to(0), kBroadcast);
  hear_reply(kPodMac, ip("10.9.0.1"), ip("10.9.0.2"));
  EXPECT_EQ(source.path_to(ip("10.9.0.1")), (NextHopSource::Path{ip("10.9.0.2"), kOwn, kPodMac}));

  EXPECT_FALSE(source.path_to(ip("192.0.2.1")));
  EXPECT_EQ(sent(1).target, ip("10.9.0.254"));
  hear_reply(kOther, ip("10.9.0.254"), ip("10.9.0.2"));
  EXPECT_EQ(source.path_to(ip("192.0.2.1")), (NextHopSource::Path{ip("10.9.0.2"), kOwn, kOther}));

  EXPECT_FALSE(source.path_to(ip("172.16.5.5")));
  EXPECT_EQ(sent(2).sender, ip("172.16.0.2"));
  EXPECT_FALSE(source.path_to(ip("2001:db8:9::1")));
  EXPECT_EQ(sent(3).target, ip("2001:db8:9::1"));
  EXPECT_FALSE(source.path_to(ip("2001:db8:7::1")));  // no IPv6 gateway
  EXPECT_FALSE(source.path_to(ip("10.9.0.2")));       // ourselves
  EXPECT_EQ(frames.size(), 4U);
}

TEST_F(DeviceNextHopsTest, SolicitsOnceAndFollowsTheAnswer) {
  source.solicit(ip("10.9.0.1"));
  source.solicit(ip("10.9.0.1"));
  EXPECT_EQ(frames.size(), 1U);
  hear_reply(kPodMac, ip("10.9.0.1"), ip("10.9.0.2"));
  hear_reply(kOther, ip("10.9.0.1"), ip("10.9.0.2"));
  run_a_moment();
  EXPECT_EQ(changes, 1);  // a burst is one change
  EXPECT_EQ(*source.snapshot()->mac({0x0a090001}), kOther);
}

TEST_F(DeviceNextHopsTest, LearnsIpv6FromAdvertisements) {
  source.solicit(ip("2001:db8:9::1"));
  hear_reply(kPodMac, ip("2001:db8:9::1"), ip("2001:db8:9::2"));
  EXPECT_EQ(source.path_to(ip("2001:db8:9::1")), (NextHopSource::Path{ip("2001:db8:9::2"), kOwn, kPodMac}));
}

TEST_F(DeviceNextHopsTest, RepeatsAnUnansweredQuestion) {
  source.solicit(ip("10.9.0.1"));
  context.run_for(1400ms);
  EXPECT_EQ(frames.size(), 2U);
}

TEST_F(DeviceNextHopsTest, SnapshotHasItsNetworksAndTheGateway) {
  const auto snapshot = source.snapshot();
  EXPECT_EQ(snapshot->own(), Ipv4Address{0x0a090002});
  EXPECT_EQ(snapshot->own_mac(), kOwn);
  EXPECT_EQ(snapshot->next_hop({0x0a090001}), Ipv4Address{0x0a090001});
  EXPECT_EQ(snapshot->next_hop({0xac100505}), Ipv4Address{0xac100505});
  EXPECT_EQ(snapshot->next_hop({0xc0000201}), Ipv4Address{0x0a0900fe});
}

TEST_F(DeviceNextHopsTest, SurvivesRubbish) {
  Frame frame;
  source.receive(frame.packet);
  frame.packet.resize(42);
  source.receive(frame.packet);
  EXPECT_TRUE(frames.empty());
}

TEST(DeviceNextHops, NothingRunsAfterItsEnd) {
  boost::asio::io_context context;
  int changes = 0;
  {
    DeviceNextHops source(
        context, kOwn, {*parse_interface_address("10.9.0.2/24")}, std::nullopt, [](const auto&) {}, [&] { ++changes; });
    Frame frame;
    write_neighbour_request(frame.packet, kPodMac, ip("10.9.0.1"), ip("10.9.0.2"));
    source.receive(frame.packet);
  }
  context.run_for(20ms);
  EXPECT_EQ(changes, 0);
}

}  // namespace
}  // namespace isthmus::service
