// What comes through the gate, and that what stands in handshake_gate.cc about floods is so.
#include "tunnel/handshake_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace isthmus::tunnel {
namespace {

constexpr Endpoint kNewcomer{Ipv4Address{0xc0000207}, 51820};
constexpr Endpoint kLiar{Ipv4Address{0xc6336401}, 9};

PublicKey key_of(std::uint8_t byte) {
  PublicKey key;
  key.fill(byte);
  return key;
}

void fill(std::span<std::uint8_t> bytes) {
  static std::uint8_t next = 1;
  for (std::uint8_t& byte : bytes) byte = next++;
}

Endpoint in_slash_64(std::uint8_t network, std::uint8_t host) {
  Ipv6Address address{};
  address.bytes[7] = network;
  address.bytes[15] = host;
  return {address, 9};
}

class HandshakeGateTest : public testing::Test {
 protected:
  HandshakeGateTest() {
    keys_.checkers.emplace_back(key_of(1));
    renew_secrets();
  }

  void renew_secrets() {
    for (CookieChecker& checker : keys_.checkers) checker.renew_secret(now_, fill);
  }
  template <typename Message>
  static std::vector<std::uint8_t> message(MessageType type, CookieJar* jar, Instant now, std::uint32_t receiver = 0) {
    static std::uint32_t number = 0;
    Message text{};
    text.type = static_cast<std::uint32_t>(type);
    if constexpr (!std::is_same_v<Message, MessageCookieReply>) text.sender_index = ++number;
    if constexpr (!std::is_same_v<Message, MessageInitiation>) text.receiver_index = receiver;
    std::vector<std::uint8_t> bytes(sizeof(text));
    std::ranges::copy(bytes_of(text), bytes.begin());
    if (jar != nullptr) jar->add_macs(bytes, now);
    return bytes;
  }
  std::vector<std::uint8_t> initiation(CookieJar& jar) {
    return message<MessageInitiation>(MessageType::kInitiation, &jar, now_);
  }
  Admission judge(Bytes bytes, const Endpoint& source) {
    return gate_.judge(keys_, sessions_, bytes, source, now_, cookie_);
  }
  // How many of that many messages are judged so.
  int judged(Admission admission, int count, const std::function<Admission()>& next) {
    int found = 0;
    for (int i = 0; i < count; ++i) found += next() == admission ? 1 : 0;
    return found;
  }
  // A newcomer asks, and asks again with the cookie if it was told one.
  bool gets_in(const Endpoint& source = kNewcomer) {
    CookieJar jar(key_of(1));
    Admission admission = judge(initiation(jar), source);
    if (admission != Admission::kUnproven) return admission == Admission::kAdmitted;
    EXPECT_TRUE(jar.consume_reply(cookie_, now_));
    return judge(initiation(jar), source) == Admission::kAdmitted;
  }

  Instant now_{1000s};
  GateKeys keys_{{}, MacKey(key_of(9))};
  SessionTable sessions_{16};
  HandshakeGate gate_{0};
  MessageCookieReply cookie_{};
};

TEST_F(HandshakeGateTest, WrongMac1ForEveryIdentity) {
  keys_.checkers.emplace_back(key_of(2));
  renew_secrets();
  for (const std::uint8_t own : {std::uint8_t{1}, std::uint8_t{2}}) {
    CookieJar jar(key_of(own));
    EXPECT_EQ(judge(initiation(jar), kNewcomer), Admission::kAdmitted) << int{own};
  }
  CookieJar stranger(key_of(3));
  EXPECT_EQ(judge(initiation(stranger), kNewcomer), Admission::kMac1Wrong);
  keys_.checkers.clear();
  CookieJar jar(key_of(1));
  EXPECT_EQ(judge(initiation(jar), kNewcomer), Admission::kMac1Wrong);
}

TEST_F(HandshakeGateTest, AnswersMustBeAwaited) {
  CookieJar jar(key_of(1));
  CookieJar stranger(key_of(3));
  const std::uint32_t index = sessions_.reserve_index(0x12345678);
  const auto response = [&](CookieJar& macs, std::uint32_t receiver) {
    return judge(message<MessageResponse>(MessageType::kResponse, &macs, now_, receiver), kNewcomer);
  };
  const auto reply = [&](std::uint32_t receiver) {
    return judge(message<MessageCookieReply>(MessageType::kCookieReply, nullptr, now_, receiver), kNewcomer);
  };
  gate_.under_load(now_);
  EXPECT_EQ(response(jar, index), Admission::kAdmitted) << "who knows the index need not prove more";
  EXPECT_EQ(response(stranger, index), Admission::kMac1Wrong);
  EXPECT_EQ(response(jar, index ^ 0x80000000), Admission::kUnawaited);
  EXPECT_EQ(response(jar, 0), Admission::kUnawaited);
  EXPECT_EQ(reply(index), Admission::kAdmitted);
  EXPECT_EQ(reply(index + 1), Admission::kUnawaited);
  EXPECT_EQ(judged(Admission::kAdmitted, 1000, [&] { return reply(index); }), SourceLimiter::kBurst - 2);
  EXPECT_EQ(reply(index), Admission::kFlood);
  sessions_.release_index(index);
  EXPECT_EQ(reply(index), Admission::kUnawaited);
}

TEST_F(HandshakeGateTest, UnderLoadForASecond) {
  CookieJar jar(key_of(1));
  gate_.under_load(now_);
  EXPECT_EQ(judge(initiation(jar), kNewcomer), Admission::kUnproven);
  now_ += 1s - 1ns;
  EXPECT_EQ(judge(initiation(jar), kNewcomer), Admission::kUnproven);
  now_ += 1ns;
  EXPECT_EQ(judge(initiation(jar), kNewcomer), Admission::kAdmitted);
}

TEST_F(HandshakeGateTest, ACookieIsForItsAddressAlone) {
  CookieJar jar(key_of(1));
  gate_.under_load(now_);
  EXPECT_EQ(judge(initiation(jar), kNewcomer), Admission::kUnproven);
  ASSERT_TRUE(jar.consume_reply(cookie_, now_));
  EXPECT_EQ(judge(initiation(jar), kLiar), Admission::kUnproven);
  EXPECT_EQ(judge(initiation(jar), kNewcomer), Admission::kAdmitted);
}

TEST_F(HandshakeGateTest, RepliesHaveNumbersOfTheirOwn) {
  CookieJar jar(key_of(1));
  HandshakeGate other(1);
  gate_.under_load(now_);
  other.under_load(now_);
  std::vector<std::array<std::uint8_t, 24>> nonces;
  for (int i = 0; i < 3; ++i) {
    judge(initiation(jar), kNewcomer);
    nonces.push_back(cookie_.nonce);
    other.judge(keys_, sessions_, initiation(jar), kNewcomer, now_, cookie_);
    nonces.push_back(cookie_.nonce);
  }
  std::ranges::sort(nonces);
  EXPECT_EQ(std::ranges::adjacent_find(nonces), nonces.end());
}

TEST_F(HandshakeGateTest, WrongMac1TouchesNoTokens) {
  CookieJar stranger(key_of(3));
  const int refused = judged(Admission::kMac1Wrong, 200'000, [&] { return judge(initiation(stranger), kNewcomer); });
  EXPECT_EQ(refused, 200'000);
  CookieJar jar(key_of(1));
  EXPECT_EQ(judge(initiation(jar), kNewcomer), Admission::kAdmitted);
}

TEST_F(HandshakeGateTest, OneAddressGetsItsShareAndCookies) {
  CookieJar jar(key_of(1));
  const auto next = [&] {
    now_ += 5us;
    return judge(initiation(jar), kLiar);
  };
  EXPECT_EQ(judged(Admission::kAdmitted, 200'000, next), SourceLimiter::kBurst + 49);
  EXPECT_TRUE(gets_in());
  // When it does not hide, that does not help it.
  ASSERT_TRUE(jar.consume_reply(
      [&] {
        judge(initiation(jar), kLiar);
        return cookie_;
      }(),
      now_));
  EXPECT_EQ(judged(Admission::kAdmitted, 200'000, next), SourceLimiter::kBurst + 49);
  EXPECT_GE(judged(Admission::kFlood, 1000, next), 999);
  EXPECT_TRUE(gets_in());
}

TEST_F(HandshakeGateTest, InventedAddressesGetCookiesOnly) {
  CookieJar jar(key_of(1));
  gate_.under_load(now_);
  std::uint32_t address = 0;
  const auto next = [&] { return judge(initiation(jar), {Ipv4Address{++address * 2654435761U}, 9}); };
  EXPECT_EQ(judged(Admission::kUnproven, 200'000, next), 200'000);
  EXPECT_TRUE(gets_in());
}

TEST_F(HandshakeGateTest, LiesInTheNewcomersNameDoNotShutItOut) {
  for (const bool loaded : {false, true}) {
    CookieJar liar(key_of(1));
    for (int second = 0; second < 3; ++second) {
      if (loaded) gate_.under_load(now_);
      for (int i = 0; i < 50'000; ++i) {
        now_ += 20us;
        auto lie = initiation(liar);
        if (i % 2 == 0) std::fill(lie.end() - kMacSize, lie.end(), std::uint8_t{0x77});  // a mac2 that it made up
        judge(lie, kNewcomer);
      }
      EXPECT_TRUE(gets_in()) << loaded;
    }
  }
}

TEST_F(HandshakeGateTest, ANetworkOfIpv6IsOneSource) {
  CookieJar jar(key_of(1));
  std::uint8_t host = 0;
  const auto next = [&] { return judge(initiation(jar), in_slash_64(1, ++host)); };
  EXPECT_EQ(judged(Admission::kAdmitted, 1000, next), SourceLimiter::kBurst);
  EXPECT_EQ(judge(initiation(jar), in_slash_64(2, 1)), Admission::kAdmitted);
  EXPECT_TRUE(gets_in(in_slash_64(1, 1)));
}

}  // namespace
}  // namespace isthmus::tunnel
