#include "tunnel/cookie.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace isthmus::tunnel {
namespace {

constexpr Endpoint kHere{Ipv4Address{0x0a000001}, 1000};

class CookieTest : public testing::Test {
 protected:
  CookieTest() { public_key_.fill(0x42); }

  void add_macs() { jar_.add_macs(message_, now_); }
  bool mac1_valid() const { return checker_.mac1_valid(message_); }
  bool mac2_valid(const Endpoint& source = kHere) const { return checker_.mac2_valid(message_, source); }
  MessageCookieReply ask(const Endpoint& source = kHere) {
    renew_secret();
    return checker_.create_reply(message_, source, replies_++, sealer_);
  }
  void renew_secret() {
    checker_.renew_secret(now_, [this](std::span<std::uint8_t> bytes) { std::ranges::fill(bytes, ++random_); });
  }

  PublicKey public_key_{};
  CookieChecker checker_{[] {
    PublicKey key;
    key.fill(0x42);
    return key;
  }()};
  CookieJar jar_{[] {
    PublicKey key;
    key.fill(0x42);
    return key;
  }()};
  std::vector<std::uint8_t> message_ = std::vector<std::uint8_t>(148, 0x5a);
  Instant now_{1000s};
  std::uint8_t random_ = 0;
  std::uint64_t replies_ = 0;
  Sealer sealer_;
};

TEST_F(CookieTest, Mac1CoversAllBeforeIt) {
  add_macs();
  EXPECT_TRUE(mac1_valid());
  for (std::size_t i = 0; i < message_.size(); ++i) {
    message_[i] ^= 0x20;
    EXPECT_EQ(mac1_valid(), i >= message_.size() - kMacSize) << i;
    message_[i] ^= 0x20;
  }
}

TEST_F(CookieTest, Mac1IsForOneReceiver) {
  add_macs();
  EXPECT_FALSE(CookieChecker(PublicKey{}).mac1_valid(message_));
}

TEST_F(CookieTest, WithoutACookieMac2IsZero) {
  add_macs();
  EXPECT_TRUE(std::all_of(message_.end() - kMacSize, message_.end(), [](std::uint8_t byte) { return byte == 0; }));
  EXPECT_FALSE(mac2_valid());
  ask();
  EXPECT_FALSE(mac2_valid());
}

TEST_F(CookieTest, ACookieMakesMac2) {
  add_macs();
  const MessageCookieReply reply = ask();
  EXPECT_EQ(reply.receiver_index, 0x5a5a5a5aU) << "the sender's index";
  ASSERT_TRUE(jar_.consume_reply(reply, now_));
  message_[50] ^= 1;
  add_macs();
  EXPECT_TRUE(mac1_valid());
  EXPECT_TRUE(mac2_valid());
  for (std::size_t i = 0; i < message_.size(); ++i) {
    message_[i] ^= 0x20;
    EXPECT_FALSE(mac2_valid()) << i;
    message_[i] ^= 0x20;
  }
}

TEST_F(CookieTest, ACookieIsForOneAddressAndPort) {
  add_macs();
  ASSERT_TRUE(jar_.consume_reply(ask(), now_));
  add_macs();
  EXPECT_TRUE(mac2_valid());
  EXPECT_FALSE(mac2_valid({Ipv4Address{0x0a000002}, 1000}));
  EXPECT_FALSE(mac2_valid({Ipv4Address{0x0a000001}, 1001}));
  Ipv6Address mapped{};
  mapped.bytes[15] = 1;
  EXPECT_FALSE(mac2_valid({mapped, 1000}));
}

TEST_F(CookieTest, Ipv6Sources) {
  Ipv6Address address{};
  address.bytes[0] = 0x20;
  add_macs();
  ASSERT_TRUE(jar_.consume_reply(ask({address, 7}), now_));
  add_macs();
  EXPECT_TRUE(mac2_valid({address, 7}));
  address.bytes[15] ^= 1;
  EXPECT_FALSE(mac2_valid({address, 7}));
}

TEST_F(CookieTest, BothSidesForgetInTime) {
  add_macs();
  ASSERT_TRUE(jar_.consume_reply(ask(), now_));
  now_ += kCookieRefreshTime - 5s - 1ms;
  add_macs();
  EXPECT_TRUE(mac2_valid());
  const auto fresh = message_;
  now_ += 1ms;
  add_macs();
  EXPECT_FALSE(mac2_valid()) << "the sender stops five seconds early";
  message_ = fresh;
  EXPECT_TRUE(mac2_valid());
  now_ += 5s - 1ns;
  renew_secret();
  EXPECT_TRUE(mac2_valid());
  now_ += 1ns;
  renew_secret();
  EXPECT_FALSE(mac2_valid()) << "the receiver's secret is another one";
}

TEST_F(CookieTest, ThatSecretServesEverybodyForTwoMinutes) {
  add_macs();
  const MessageCookieReply first = ask();
  ASSERT_TRUE(jar_.consume_reply(first, now_));
  now_ += 60s;
  add_macs();
  ask({Ipv4Address{0x0a000002}, 1000});
  EXPECT_TRUE(mac2_valid());
}

TEST_F(CookieTest, RepliesAnswerOneMessageOnce) {
  const MessageCookieReply unasked = ask();
  EXPECT_FALSE(jar_.consume_reply(unasked, now_)) << "nothing was sent";
  add_macs();
  const MessageCookieReply reply = ask();
  MessageCookieReply forged = reply;
  forged.encrypted_cookie[3] ^= 1;
  EXPECT_FALSE(jar_.consume_reply(forged, now_));
  EXPECT_TRUE(jar_.consume_reply(reply, now_)) << "a forgery does not use it up";
  EXPECT_FALSE(jar_.consume_reply(reply, now_));
  // To a newer message than the one it answers.
  message_[10] ^= 1;
  add_macs();
  EXPECT_FALSE(jar_.consume_reply(reply, now_));
}

TEST_F(CookieTest, NoncesNeverRepeat) {
  add_macs();
  EXPECT_NE(ask().nonce, ask().nonce);
  const auto before = ask().nonce;
  now_ += kCookieRefreshTime;
  replies_ = 0;
  EXPECT_NE(ask().nonce, before);
}

}  // namespace
}  // namespace isthmus::tunnel
