// Both sides of two recorded exchanges, byte for byte: initiation, cookie reply, initiation with mac2, response, data.
#include <gtest/gtest.h>

#include <cstring>

#include "test/kat/tunnel/exchange_vectors.h"
#include "test/kat/tunnel/hex.h"
#include "tunnel/aead.h"
#include "tunnel/cookie.h"
#include "tunnel/handshake.h"

namespace isthmus::tunnel {
namespace {

constexpr Instant kNow{100s};

SecretKey secret(std::string_view text) {
  SecretKey key;
  key.bytes = unhex_array<32>(text);
  return key;
}

Endpoint endpoint(std::string_view address, std::uint16_t port) {
  if (address.size() == 8)
    return {Ipv4Address{static_cast<std::uint32_t>(std::stoul(std::string(address), nullptr, 16))}, port};
  Ipv6Address ipv6;
  std::ranges::copy(unhex(address), ipv6.bytes.begin());
  return {ipv6, port};
}

template <typename Message>
void add_macs(CookieJar& jar, Message& message) {
  jar.add_macs({reinterpret_cast<std::uint8_t*>(&message), sizeof(message)}, kNow);
}

std::string data_message(const AeadKey& key, std::uint32_t receiver, std::uint64_t counter, std::string_view packet) {
  std::vector<std::uint8_t> text = unhex(packet);
  text.resize((text.size() + kPaddingMultiple - 1) / kPaddingMultiple * kPaddingMultiple);
  DataHeader header;
  header.type = static_cast<std::uint32_t>(MessageType::kData);
  header.receiver_index = receiver;
  header.counter = counter;
  const auto length = static_cast<std::uint32_t>(text.size());
  text.resize(text.size() + kTagSize);
  AeadJob job{.key = &key, .counter = counter, .data = text.data(), .length = length};
  make_burst_aead(AeadChoice::kAuto)->seal({&job, 1});
  return hex(bytes_of(header)) + hex(text);
}

class RecordedExchange : public testing::TestWithParam<Exchange> {
 protected:
  const Exchange& record_ = GetParam();
  const X25519Key initiator_{secret(record_.initiator_private)};
  const X25519Key responder_{secret(record_.responder_private)};
  const RemoteIdentity to_responder_ = prepare_remote(initiator_, responder_.public_key(), secret(record_.preshared));
  const RemoteIdentity to_initiator_ = prepare_remote(responder_, initiator_.public_key(), secret(record_.preshared));
  const Endpoint source_ = endpoint(record_.source_address, record_.source_port);
  CookieJar initiators_jar_{responder_.public_key()};
  CookieJar responders_jar_{initiator_.public_key()};
  CookieChecker checker_{responder_.public_key()};

  std::optional<InitiatorHandshake> initiate(std::size_t which, MessageInitiation& message) {
    auto handshake =
        create_initiation(initiator_, to_responder_, secret(record_.ephemerals[which]),
                          make_timestamp({record_.seconds[which], 0}, {}), record_.initiator_indexes[which], message);
    add_macs(initiators_jar_, message);
    return handshake;
  }

  MessageCookieReply demand_cookie(const MessageInitiation& message) {
    // The checker asks for its secret first, then for what all nonces begin with; they end with the reply's number.
    const auto nonce = unhex(record_.cookie_nonce);
    std::vector<std::vector<std::uint8_t>> random{{nonce.begin(), nonce.begin() + 16}, unhex(record_.cookie_secret)};
    checker_.renew_secret(kNow, [&random](std::span<std::uint8_t> wanted) {
      ASSERT_FALSE(random.empty());
      ASSERT_EQ(wanted.size(), random.back().size());
      std::ranges::copy(random.back(), wanted.begin());
      random.pop_back();
    });
    Little64 number;
    std::memcpy(&number, nonce.data() + 16, sizeof(number));
    Sealer sealer;
    return checker_.create_reply(bytes_of(message), source_, number, sealer);
  }
};

TEST_P(RecordedExchange, EveryByte) {
  MessageInitiation first{};
  ASSERT_TRUE(initiate(0, first));
  EXPECT_EQ(hex(bytes_of(first)), record_.first_initiation);
  EXPECT_TRUE(checker_.mac1_valid(bytes_of(first)));

  const MessageCookieReply reply = demand_cookie(first);
  EXPECT_EQ(hex(bytes_of(reply)), record_.cookie_reply);
  EXPECT_FALSE(checker_.mac2_valid(bytes_of(first), source_));
  EXPECT_TRUE(initiators_jar_.consume_reply(reply, kNow));

  MessageInitiation second{};
  const auto handshake = initiate(1, second);
  ASSERT_TRUE(handshake);
  EXPECT_EQ(hex(bytes_of(second)), record_.second_initiation);
  EXPECT_TRUE(checker_.mac2_valid(bytes_of(second), source_));

  auto received = identify_initiator(responder_, second);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->remote_static, initiator_.public_key());
  ASSERT_TRUE(consume_initiation(*received, to_initiator_, second));
  MessageResponse response{};
  const auto responders =
      create_response(*received, to_initiator_, secret(record_.ephemerals[2]), record_.responder_index, response);
  ASSERT_TRUE(responders);
  add_macs(responders_jar_, response);
  EXPECT_EQ(hex(bytes_of(response)), record_.response);

  const auto initiators = consume_response(*handshake, initiator_, to_responder_, response);
  ASSERT_TRUE(initiators);
  EXPECT_EQ(hex(initiators->sending.bytes), record_.initiator_sends);
  EXPECT_EQ(hex(initiators->receiving.bytes), record_.responder_sends);
  EXPECT_EQ(responders->sending.bytes, initiators->receiving.bytes);
  EXPECT_EQ(responders->receiving.bytes, initiators->sending.bytes);

  EXPECT_EQ(data_message(initiators->sending, record_.responder_index, 0, record_.packets[0]), record_.data[0]);
  EXPECT_EQ(data_message(responders->sending, record_.initiator_indexes[1], 0, record_.packets[1]), record_.data[1]);
  EXPECT_EQ(data_message(initiators->sending, record_.responder_index, 1, record_.packets[2]), record_.data[2]);
}

INSTANTIATE_TEST_SUITE_P(Recorded, RecordedExchange, testing::ValuesIn(kExchanges),
                         [](const auto& exchange) { return exchange.index == 0 ? "Plain" : "PresharedKeyAndIpv6"; });

}  // namespace
}  // namespace isthmus::tunnel
