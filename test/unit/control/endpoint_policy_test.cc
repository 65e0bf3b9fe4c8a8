#include "control/endpoint_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::control {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

IpAddress address(const char* text) { return *parse_ip(text); }

// One document, one data plane that does what it is told, and a clock that only the test moves.
class Policy : public testing::Test {
 protected:
  Policy() {
    status.ports = {{"cluster", "c0", "", {"10.244.0.1/16", "2001:db8:1::1/64"}, true},
                    {"underlay", "u0", "", {"192.0.2.1/24", "fe80::1/64"}, true}};
    add("netlab", "gw.example:51820");
    follow();
  }

  void add(const std::string& peer, const std::string& endpoint) {
    config::PeerConfig config;
    config.name = peer;
    config.endpoint_name = config::parse_endpoint_name(endpoint);
    if (!config.endpoint_name) config.endpoint = parse_endpoint(endpoint);
    peers.push_back(config);
    config::PeerStatus words;
    words.name = peer;
    if (config.endpoint_name) words.endpoint_name = endpoint;
    status.peers.push_back(words);
  }
  void follow() { policy.follow(peers); }

  // What is done after `time` has passed. What the data plane is told is in use from then on.
  std::vector<std::string> lookups_after(EndpointPolicy::Time::duration time) {
    now += time;
    const EndpointPolicy::Step step = policy.step(status, now);
    for (const config::EndpointRequest& request : step.endpoints) {
      told.push_back(request.peer + " " + request.endpoint + (request.anew ? " anew" : ""));
      policy.taken(request);
      for (config::PeerStatus& peer : status.peers) {
        if (peer.name == request.peer) peer.endpoint = request.endpoint;
      }
    }
    return step.lookups;
  }
  std::vector<std::string> told_after(EndpointPolicy::Time::duration time) {
    told.clear();
    lookups_after(time);
    return told;
  }
  void answer(std::vector<const char*> texts, const std::string& host = "gw.example") {
    EndpointPolicy::Answer answer;
    for (const char* text : texts) answer.addresses.push_back(address(text));
    policy.answered(host, answer);
  }
  void fail(const std::string& error, const std::string& host = "gw.example") {
    policy.answered(host, {.error = error});
  }
  std::vector<std::string> notices() {
    std::vector<std::string> lines;
    for (const EndpointPolicy::Notice& notice : policy.take_notices()) {
      lines.push_back(notice.event + ": " + notice.name + (notice.error.empty() ? "" : ": " + notice.error));
      EXPECT_EQ(notice.advice.empty(), notice.error.empty());
    }
    return lines;
  }
  config::PeerStatus& netlab() { return status.peers[0]; }
  // Looked up, told, and connected.
  void connect() {
    EXPECT_THAT(lookups_after(0s), ElementsAre("gw.example"));
    answer({"192.0.2.2"});
    EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.2:51820 anew"));
    netlab().connected = true;
  }

  EndpointPolicy policy;
  EndpointPolicy::Time now{1000s};
  std::vector<config::PeerConfig> peers;
  config::Status status;
  std::vector<std::string> told;
};

TEST_F(Policy, ADocumentWithoutNamesAsksNobody) {
  peers.clear();
  status.peers.clear();
  add("topix", "192.0.2.3:51820");
  follow();
  EXPECT_TRUE(policy.idle());
  EXPECT_THAT(lookups_after(0s), IsEmpty());
  EXPECT_THAT(lookups_after(1h), IsEmpty());
}

TEST_F(Policy, LooksUpAtOnceAndThenEveryFiveMinutes) {
  connect();
  EXPECT_THAT(lookups_after(299s), IsEmpty());
  EXPECT_THAT(lookups_after(1s), ElementsAre("gw.example"));
  answer({"192.0.2.2"});
  EXPECT_THAT(told_after(1s), IsEmpty()) << "nothing has changed";
  EXPECT_THAT(lookups_after(298s), IsEmpty());
  EXPECT_THAT(lookups_after(1s), ElementsAre("gw.example"));
}

TEST_F(Policy, LooksUpEveryFiveSecondsWhileThePeerIsDown) {
  connect();
  netlab().connected = false;
  EXPECT_THAT(lookups_after(4s), IsEmpty());
  EXPECT_THAT(lookups_after(1s), ElementsAre("gw.example"));
  answer({"192.0.2.2"});
  EXPECT_THAT(lookups_after(4s), IsEmpty());
  EXPECT_THAT(lookups_after(1s), ElementsAre("gw.example"));
}

TEST_F(Policy, AnUnansweredHandshakeIsAFailureBeforeTheSessionHasAgedOut) {
  connect();
  netlab().handshake_pending_seconds = 1.9;
  EXPECT_THAT(lookups_after(10s), IsEmpty());
  netlab().handshake_pending_seconds = 2;
  EXPECT_THAT(lookups_after(1s), ElementsAre("gw.example"));
  answer({"192.0.2.22"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.22:51820 anew"));
}

TEST_F(Policy, OneLookupOfANameRunsAtATime) {
  EXPECT_THAT(lookups_after(0s), ElementsAre("gw.example"));
  EXPECT_THAT(lookups_after(10min), IsEmpty());
  follow();
  EXPECT_THAT(lookups_after(1s), IsEmpty());
  peers.clear();
  follow();
  EXPECT_THAT(lookups_after(1s), IsEmpty());
  peers = {config::PeerConfig{.name = "netlab", .endpoint_name = config::EndpointName{"gw.example", 51820}}};
  follow();
  EXPECT_THAT(lookups_after(1s), IsEmpty()) << "forgotten and named again while it ran";
  answer({"192.0.2.2"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.2:51820 anew"));
}

TEST_F(Policy, AnAnswerForAForgottenNameIsNobodys) {
  EXPECT_THAT(lookups_after(0s), ElementsAre("gw.example"));
  peers.clear();
  follow();
  answer({"192.0.2.2"});
  answer({"192.0.2.2"}, "never.asked");
  EXPECT_THAT(told_after(1s), IsEmpty());
}

TEST_F(Policy, TwoPeersOfOneNameShareALookup) {
  add("topix", "gw.example:51821");
  follow();
  EXPECT_THAT(lookups_after(0s), ElementsAre("gw.example"));
  answer({"192.0.2.2"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.2:51820 anew", "topix 192.0.2.2:51821 anew"));
  netlab().connected = true;
  EXPECT_THAT(lookups_after(5s), ElementsAre("gw.example")) << "topix is down";
}

TEST_F(Policy, KeepsTheAddressInUseWhileItIsAmongTheAnswers) {
  connect();
  lookups_after(300s);
  answer({"192.0.2.9", "192.0.2.2"});
  EXPECT_THAT(told_after(0s), IsEmpty());
  lookups_after(300s);
  answer({"192.0.2.9", "192.0.2.8"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.9:51820"));
}

TEST_F(Policy, ALearnedEndpointIsLeftAloneUntilItFails) {
  connect();
  netlab().endpoint = "198.51.100.7:4711";  // it has roamed
  lookups_after(300s);
  answer({"192.0.2.2"});
  EXPECT_THAT(told_after(0s), IsEmpty()) << "the name leads where it led before";
  netlab().connected = false;
  lookups_after(5s);
  answer({"192.0.2.2"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.2:51820 anew"));
  lookups_after(5s);
  answer({"192.0.2.2"});
  EXPECT_THAT(told_after(0s), IsEmpty()) << "in use, and no better is known";
}

TEST_F(Policy, PrefersWhatTheUnderlayPortCanReach) {
  lookups_after(0s);
  answer({"2001:db8::2", "192.0.2.2"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.2:51820 anew")) << "it has IPv6 on the link only";
  status.ports[1].addresses = {"2001:db8::1/64"};
  lookups_after(5s);
  answer({"192.0.2.3", "2001:db8::2"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab [2001:db8::2]:51820 anew"));
  status.ports[1].addresses.clear();
  lookups_after(5s);
  answer({"192.0.2.4", "2001:db8::3"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.4:51820 anew"));
  status.ports[1].addresses = {"192.0.2.1/24"};
  lookups_after(5s);
  answer({"2001:db8::5"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab [2001:db8::5]:51820 anew")) << "better than none";
}

TEST_F(Policy, ANewDataPlaneIsToldAtOnceWhatIsKnown) {
  connect();
  follow();
  told.clear();
  netlab().endpoint.clear();
  netlab().connected = false;
  EXPECT_THAT(lookups_after(0s), ElementsAre("gw.example"));
  EXPECT_THAT(told, ElementsAre("netlab 192.0.2.2:51820 anew")) << "it does not wait for the answer";
}

TEST_F(Policy, AnAdoptedDataPlaneThatIsConnectedIsLeftAlone) {
  netlab().endpoint = "192.0.2.2:51820";
  netlab().connected = true;
  lookups_after(0s);
  answer({"192.0.2.2"});
  EXPECT_THAT(told_after(0s), IsEmpty());
}

TEST_F(Policy, WaitsUntilTheStatusKnowsThePeer) {
  lookups_after(0s);
  answer({"192.0.2.2"});
  const config::Status later = status;
  netlab().endpoint_name = "old.example:51820";
  EXPECT_THAT(told_after(0s), IsEmpty());
  status.peers.clear();
  EXPECT_THAT(told_after(0s), IsEmpty());
  status = later;
  EXPECT_THAT(told_after(1s), ElementsAre("netlab 192.0.2.2:51820 anew"));
}

TEST_F(Policy, AFailedLookupKeepsTheLastGoodAnswerAndIsToldOnce) {
  connect();
  EXPECT_THAT(notices(), IsEmpty());
  netlab().connected = false;
  for (int round = 0; round < 5; ++round) {
    EXPECT_THAT(lookups_after(5s), ElementsAre("gw.example"));
    fail("Host not found");
    EXPECT_THAT(told_after(0s), IsEmpty());
  }
  EXPECT_THAT(notices(), ElementsAre("an endpoint's name has no address: gw.example: Host not found"));
  EXPECT_EQ(policy.trouble_of("gw.example"), "Host not found");
  follow();  // a new data plane gets the last good one
  netlab().endpoint.clear();
  EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.2:51820 anew"));
  answer({"192.0.2.2"});
  EXPECT_THAT(notices(), ElementsAre("an endpoint's name has an address again: gw.example"));
  EXPECT_EQ(policy.trouble_of("gw.example"), "");
}

TEST_F(Policy, ALookupThatHangsIsAFailureAndItsLateAnswerIsTaken) {
  lookups_after(0s);
  lookups_after(4900ms);
  EXPECT_EQ(policy.trouble_of("gw.example"), "");
  for (int second = 0; second < 20; ++second) EXPECT_THAT(lookups_after(1s), IsEmpty());
  EXPECT_THAT(notices(), ElementsAre("an endpoint's name has no address: gw.example: no answer within 5 s"));
  fail("try again later");
  EXPECT_THAT(notices(), ElementsAre("an endpoint's name has no address: gw.example: try again later"));
  EXPECT_THAT(lookups_after(1s), ElementsAre("gw.example"));
  for (int second = 0; second < 20; ++second) EXPECT_THAT(lookups_after(1s), IsEmpty());
  fail("try again later");
  EXPECT_THAT(notices(), IsEmpty()) << "hanging again is no news";
  lookups_after(1s);
  lookups_after(20s);
  answer({"192.0.2.2"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.2:51820 anew"));
}

TEST_F(Policy, RefusesAddressesThatNoPeerCanHave) {
  for (const char* bad : {"0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
                          "ff02::1", "::ffff:192.0.2.2"}) {
    lookups_after(5s);
    answer({bad});
    EXPECT_THAT(told_after(0s), IsEmpty()) << bad;
    const std::string trouble = policy.trouble_of("gw.example");
    EXPECT_EQ(trouble.find(to_string(address(bad)) + " is an address of "), 0U) << trouble;
  }
  EXPECT_EQ(notices().size(), 10U);
  lookups_after(5s);
  answer({});
  EXPECT_EQ(policy.trouble_of("gw.example"), "the answer is empty");
  lookups_after(5s);
  answer({"127.0.0.1", "192.0.2.2"});
  EXPECT_THAT(told_after(0s), ElementsAre("netlab 192.0.2.2:51820 anew"));
  EXPECT_EQ(policy.trouble_of("gw.example"), "");
}

TEST_F(Policy, WhatTheDataPlaneRefusesIsTriedAgainAndToldOnce) {
  lookups_after(0s);
  answer({"192.0.2.2"});
  for (int round = 0; round < 3; ++round) {
    now += 1s;
    const EndpointPolicy::Step step = policy.step(status, now);
    ASSERT_EQ(step.endpoints.size(), 1U) << round;
    policy.refused(step.endpoints[0], "no peer is called 'netlab'");
  }
  EXPECT_THAT(notices(),
              ElementsAre("the data plane refuses an endpoint: gw.example:51820: no peer is called 'netlab'"));
  EXPECT_THAT(told_after(1s), ElementsAre("netlab 192.0.2.2:51820 anew"));
}

}  // namespace
}  // namespace isthmus::control
