#pragma once
// mac1, mac2 and cookies (sections 5.3, 5.4.4 and 5.4.7): a message proves that its sender knows our public key before
// we calculate anything, and under load also that it can receive at its source address before we calculate anything
// dear.

#include <functional>
#include <optional>
#include <span>

#include "dataplane/packet/address.h"
#include "dataplane/packet/time.h"
#include "tunnel/crypto.h"
#include "tunnel/wire.h"

namespace isthmus::tunnel {

using FillRandom = std::function<void(std::span<std::uint8_t>)>;

// The keys that anybody can derive from a public key.
struct MacKeys {
  explicit MacKeys(const PublicKey& public_key);

  SecretKey mac1;
  SecretKey cookie;
};

// The receiver's half. `message` is a whole initiation or response, macs at its end.
class CookieChecker {
 public:
  explicit CookieChecker(const PublicKey& own_public_key) : keys_(own_public_key) {}

  bool mac1_valid(Bytes message) const;
  // False also when the secret is older than two minutes: the sender has to ask for a new cookie then.
  bool mac2_valid(Bytes message, const Endpoint& source, Instant now) const;
  // The answer to a message with valid mac1 from `source`, whose sender index is `receiver_index`.
  MessageCookieReply create_reply(Bytes message, std::uint32_t receiver_index, const Endpoint& source, Instant now,
                                  const FillRandom& fill);

 private:
  bool secret_expired(Instant now) const { return secret_made_ == kNever || now - secret_made_ >= kCookieRefreshTime; }
  Mac cookie_of(const Endpoint& source) const;

  MacKeys keys_;
  SecretKey secret_;  // R_m of section 5.4.7
  Instant secret_made_ = kNever;
};

// The sender's half: one per peer.
class CookieJar {
 public:
  explicit CookieJar(const PublicKey& remote_public_key) : keys_(remote_public_key) {}
  ~CookieJar() { wipe(cookie_); }

  // Fills in the macs at the end of an initiation or a response.
  void add_macs(std::span<std::uint8_t> message, Instant now);
  // A reply is the answer to the last message only, and only once: nobody else knows that message's mac1.
  [[nodiscard]] bool consume_reply(const MessageCookieReply& reply, Instant now);

 private:
  MacKeys keys_;
  std::optional<Mac> last_mac1_;  // of the message that a reply may answer
  Mac cookie_{};
  Instant cookie_received_ = kNever;
};

}  // namespace isthmus::tunnel
