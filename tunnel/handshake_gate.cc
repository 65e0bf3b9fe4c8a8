// A handshake costs the service thread as much as tens of thousands of bytes of traffic cost a worker, and a queue that
// is full of rubbish has no room for anybody else. So the order is: first what costs nothing, then what costs little,
// and nothing that a liar can use up in the name of another.
//
//   1. Responses and cookie replies name an index of ours. Only who has seen our message knows it, for indexes are
//      random: the others' die here. Cookie replies have no mac of their own.
//   2. mac1: under half a microsecond, and no state.
//   3. mac2. An initiation that proves where it comes from has tokens of its own, which only the same address can take.
//   4. One that proves nothing is served as long as there is no load and its address has tokens; otherwise a cookie is
//      the answer, at once and to everybody.
//
// What that is against 200 000 bogus initiations a second:
//   - with a wrong mac1: they die in 2 and touch no state.
//   - with a right one, of one address: its tokens admit 50 of them a second, the others get cookies.
//   - of many invented addresses, each with tokens: the queue reaches the mark of under_load, then all get cookies.
//     Nothing unproven enters the rest of the queue: it is free for those who come with a cookie.
//   - in the name of a newcomer: its address has no tokens left, so its own first message is answered with a cookie
//   too.
//     The second one bears a mac2 and has tokens that no liar can take, for the cookie went to the newcomer.
// So a newcomer needs two messages at most, whatever others send. Were cookies limited as well, or made by the service
// thread out of a queue, its first message would be one in a hundred thousand that hope for an answer. They need not
// be: an answer is smaller than the question, and there is one for each at most.

#include "tunnel/handshake_gate.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace isthmus::tunnel {
namespace {

// Whose tokens: an address has three buckets.
enum class Bucket : std::uint8_t { kUnproven, kProven, kAnswer };

// Hosts own whole /64 networks of IPv6.
std::uint64_t hash_of(const MacKey& key, const Endpoint& source, Bucket bucket) {
  std::array<std::uint8_t, 9> text{static_cast<std::uint8_t>(bucket)};
  std::size_t size = 1;
  if (const auto* ipv4 = std::get_if<Ipv4Address>(&source.address)) {
    const Big32 address = ipv4->value;
    std::memcpy(text.data() + 1, &address, sizeof(address));
    size += sizeof(address);
  } else {
    std::memcpy(text.data() + 1, std::get<Ipv6Address>(source.address).bytes.data(), 8);
    size += 8;
  }
  const Mac mac = key.mac(Bytes(text).first(size));
  std::uint64_t hash;
  std::memcpy(&hash, mac.data(), sizeof(hash));
  return hash;
}

std::uint32_t word_at(Bytes message, std::size_t offset) {
  Little32 word;
  std::memcpy(&word, message.data() + offset, sizeof(word));
  return word;
}

// The index of ours that a response or cookie reply names.
std::uint32_t receiver_index(Bytes message, MessageType type) {
  return word_at(message, type == MessageType::kResponse ? offsetof(MessageResponse, receiver_index)
                                                         : offsetof(MessageCookieReply, receiver_index));
}

}  // namespace

Admission HandshakeGate::judge(const GateKeys& keys, const SessionTable& sessions, Bytes message,
                               const Endpoint& source, Instant now, MessageCookieReply& cookie) {
  const auto type = static_cast<MessageType>(word_at(message, 0));
  assert(type != MessageType::kData);
  const bool answers = type != MessageType::kInitiation;
  if (answers && !sessions.in_use(receiver_index(message, type))) return Admission::kUnawaited;
  if (type != MessageType::kCookieReply) {
    const auto meant = std::ranges::find_if(keys.checkers, [&](const auto& c) { return c.mac1_valid(message); });
    if (meant == keys.checkers.end()) return Admission::kMac1Wrong;
    if (!answers) return judge_initiation(keys, *meant, message, source, now, cookie);
  }
  // Who has seen our message on its way can still send a lot of them.
  const bool allowed = limiter_.allow(hash_of(keys.source_hash, source, Bucket::kAnswer), now);
  return allowed ? Admission::kAdmitted : Admission::kFlood;
}

Admission HandshakeGate::judge_initiation(const GateKeys& keys, const CookieChecker& checker, Bytes message,
                                          const Endpoint& source, Instant now, MessageCookieReply& cookie) {
  if (checker.mac2_valid(message, source)) {
    const bool allowed = limiter_.allow(hash_of(keys.source_hash, source, Bucket::kProven), now);
    return allowed ? Admission::kAdmitted : Admission::kFlood;
  }
  const bool loaded = loaded_until_ && now < *loaded_until_;
  if (!loaded && limiter_.allow(hash_of(keys.source_hash, source, Bucket::kUnproven), now)) {
    return Admission::kAdmitted;
  }
  cookie = checker.create_reply(message, source, replies_++, sealer_);
  return Admission::kUnproven;
}

}  // namespace isthmus::tunnel
