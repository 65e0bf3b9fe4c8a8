#include "tunnel/cookie.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/byte_order.h"

namespace isthmus::tunnel {
namespace {

constexpr char kLabelMac1[] = "mac1----";
constexpr char kLabelCookie[] = "cookie--";
// A cookie on its way to us has grown older by the time it arrives than we can know.
constexpr Duration kCookieLatency = 5s;

SecretKey labelled_key(const char* label, const PublicKey& public_key) {
  SecretKey key;
  key.bytes = blake2s({{reinterpret_cast<const std::uint8_t*>(label), 8}, public_key});
  return key;
}

// msg_alpha and msg_beta of section 5.4.4: all before mac1, and all before mac2.
Bytes before_mac1(Bytes message) { return message.first(message.size() - sizeof(MessageMacs)); }
Bytes before_mac2(Bytes message) { return message.first(message.size() - kMacSize); }
Bytes mac1_of(Bytes message) { return message.last(sizeof(MessageMacs)).first(kMacSize); }
Bytes mac2_of(Bytes message) { return message.last(kMacSize); }

}  // namespace

MacKeys::MacKeys(const PublicKey& public_key)
    : mac1(labelled_key(kLabelMac1, public_key)), cookie(labelled_key(kLabelCookie, public_key)) {}

bool CookieChecker::mac1_valid(Bytes message) const {
  // msg.mac1 = MAC(HASH(LABEL_MAC1 || Spub_m'), msg_alpha)
  return equal_constant_time(blake2s_mac(keys_.mac1.bytes, {before_mac1(message)}), mac1_of(message));
}

bool CookieChecker::mac2_valid(Bytes message, const Endpoint& source, Instant now) const {
  if (secret_expired(now)) return false;
  // msg.mac2 = MAC(L_m, msg_beta)
  return equal_constant_time(blake2s_mac(cookie_of(source), {before_mac2(message)}), mac2_of(message));
}

MessageCookieReply CookieChecker::create_reply(Bytes message, std::uint32_t receiver_index, const Endpoint& source,
                                               Instant now, const FillRandom& fill) {
  if (secret_expired(now)) {
    fill(secret_.bytes);
    secret_made_ = now;
  }
  MessageCookieReply reply{};
  reply.type = static_cast<std::uint32_t>(MessageType::kCookieReply);
  reply.receiver_index = receiver_index;
  fill(reply.nonce);
  // msg.cookie = XAEAD(HASH(LABEL_COOKIE || Spub_m), msg.nonce, tau, M)
  seal_x(keys_.cookie, reply.nonce, cookie_of(source), mac1_of(message), reply.encrypted_cookie);
  return reply;
}

// tau = MAC(R_m, A_m'), A_m' being the source's address and port
Mac CookieChecker::cookie_of(const Endpoint& source) const {
  const Big16 port = source.port;
  if (const auto* ipv4 = std::get_if<Ipv4Address>(&source.address)) {
    const Big32 address = ipv4->value;
    return blake2s_mac(secret_.bytes, {bytes_of(address), bytes_of(port)});
  }
  return blake2s_mac(secret_.bytes, {std::get<Ipv6Address>(source.address).bytes, bytes_of(port)});
}

void CookieJar::add_macs(std::span<std::uint8_t> message, Instant now) {
  const std::span<std::uint8_t> macs = message.last(sizeof(MessageMacs));
  // msg.mac1 = MAC(HASH(LABEL_MAC1 || Spub_m'), msg_alpha)
  last_mac1_ = blake2s_mac(keys_.mac1.bytes, {before_mac1(message)});
  std::ranges::copy(*last_mac1_, macs.begin());
  // msg.mac2 = 0^16 without a fresh cookie, MAC(L_m, msg_beta) with one
  Mac mac2{};
  if (cookie_received_ != kNever && now - cookie_received_ < kCookieRefreshTime - kCookieLatency) {
    mac2 = blake2s_mac(cookie_, {before_mac2(message)});
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
