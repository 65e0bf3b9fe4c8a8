#include "tunnel/cookie.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>

#include "dataplane/packet/byte_order.h"

namespace isthmus::tunnel {
namespace {

constexpr char kLabelMac1[] = "mac1----";
constexpr char kLabelCookie[] = "cookie--";
// A cookie on its way to us has grown older by the time it arrives than we can know.
constexpr Duration kCookieLatency = 5s;

Digest labelled_key(const char* label, const PublicKey& public_key) {
  return blake2s({{reinterpret_cast<const std::uint8_t*>(label), 8}, public_key});
}

SecretKey secret_of(const Digest& digest) {
  SecretKey key;
  key.bytes = digest;
  return key;
}

// msg_alpha and msg_beta of section 5.4.4: all before mac1, and all before mac2.
Bytes before_mac1(Bytes message) { return message.first(message.size() - sizeof(MessageMacs)); }
Bytes before_mac2(Bytes message) { return message.first(message.size() - kMacSize); }
Bytes mac1_of(Bytes message) { return message.last(sizeof(MessageMacs)).first(kMacSize); }
Bytes mac2_of(Bytes message) { return message.last(kMacSize); }

}  // namespace

MacKeys::MacKeys(const PublicKey& public_key)
    : mac1(labelled_key(kLabelMac1, public_key)), cookie(secret_of(labelled_key(kLabelCookie, public_key))) {}

void CookieChecker::renew_secret(Instant now, const FillRandom& fill) {
  if (secret_ && now - secret_->made < kCookieRefreshTime) return;
  SecretKey random;
  fill(random.bytes);
  std::array<std::uint8_t, 16> nonce_start;
  fill(nonce_start);
  secret_ = Secret{MacKey(random.bytes), nonce_start, hchacha20(keys_.cookie, nonce_start), now};
}

bool CookieChecker::mac1_valid(Bytes message) const {
  // msg.mac1 = MAC(HASH(LABEL_MAC1 || Spub_m'), msg_alpha)
  return keys_.mac1.verifies(before_mac1(message), mac1_of(message));
}

bool CookieChecker::mac2_valid(Bytes message, const Endpoint& source) const {
  // Who has no cookie says so with zeros: nothing to calculate.
  const Bytes mac2 = mac2_of(message);
  if (!secret_ || std::ranges::all_of(mac2, [](std::uint8_t byte) { return byte == 0; })) return false;
  // msg.mac2 = MAC(L_m, msg_beta)
  return MacKey(cookie_of(source)).verifies(before_mac2(message), mac2);
}

MessageCookieReply CookieChecker::create_reply(Bytes message, const Endpoint& source, std::uint64_t number,
                                               Sealer& sealer) const {
  assert(secret_);
  MessageCookieReply reply{};
  reply.type = static_cast<std::uint32_t>(MessageType::kCookieReply);
  // The sender's index is the first field behind the type, in both messages.
  std::memcpy(&reply.receiver_index, message.data() + offsetof(MessageInitiation, sender_index), 4);
  const Little64 end_of_nonce = number;
  std::ranges::copy(secret_->nonce_start, reply.nonce.begin());
  std::memcpy(reply.nonce.data() + secret_->nonce_start.size(), &end_of_nonce, sizeof(end_of_nonce));
  // msg.cookie = XAEAD(HASH(LABEL_COOKIE || Spub_m), msg.nonce, tau, M)
  sealer.seal(secret_->reply_key, number, cookie_of(source), mac1_of(message), reply.encrypted_cookie);
  return reply;
}

// tau = MAC(R_m, A_m'), A_m' being the source's address and port
Mac CookieChecker::cookie_of(const Endpoint& source) const {
  std::array<std::uint8_t, sizeof(Ipv6Address) + sizeof(Big16)> text;
  std::size_t size = sizeof(Ipv6Address);
  if (const auto* ipv4 = std::get_if<Ipv4Address>(&source.address)) {
    const Big32 address = ipv4->value;
    std::memcpy(text.data(), &address, sizeof(address));
    size = sizeof(address);
  } else {
    std::ranges::copy(std::get<Ipv6Address>(source.address).bytes, text.begin());
  }
  const Big16 port = source.port;
  std::memcpy(text.data() + size, &port, sizeof(port));
  return secret_->cookies.mac(Bytes(text).first(size + sizeof(port)));
}

void CookieJar::add_macs(std::span<std::uint8_t> message, Instant now) {
  const std::span<std::uint8_t> macs = message.last(sizeof(MessageMacs));
  // msg.mac1 = MAC(HASH(LABEL_MAC1 || Spub_m'), msg_alpha)
  last_mac1_ = keys_.mac1.mac(before_mac1(message));
  std::ranges::copy(*last_mac1_, macs.begin());
  // msg.mac2 = 0^16 without a fresh cookie, MAC(L_m, msg_beta) with one
  Mac mac2{};
  if (cookie_received_ != kNever && now - cookie_received_ < kCookieRefreshTime - kCookieLatency) {
    mac2 = MacKey(cookie_).mac(before_mac2(message));
  }
  std::ranges::copy(mac2, macs.begin() + kMacSize);
}

bool CookieJar::consume_reply(const MessageCookieReply& reply, Instant now) {
  if (!last_mac1_) return false;
  Mac cookie;
  if (!open_x(keys_.cookie, reply.nonce, reply.encrypted_cookie, *last_mac1_, cookie)) return false;
  cookie_ = cookie;
  wipe(cookie);
  cookie_received_ = now;
  last_mac1_.reset();
  return true;
}

}  // namespace isthmus::tunnel
