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
#include "tunnel/mac_key.h"
#include "tunnel/wire.h"

namespace isthmus::tunnel {

using FillRandom = std::function<void(std::span<std::uint8_t>)>;

// The keys that anybody can derive from a public key.
struct MacKeys {
  explicit MacKeys(const PublicKey& public_key);

  MacKey mac1;
  SecretKey cookie;

  bool operator==(const MacKeys&) const = default;
};

// The receiver's half. `message` is a whole initiation or response, macs at its end. Whoever owns it renews its secret;
// copies are for workers.
class CookieChecker {
 public:
  explicit CookieChecker(const PublicKey& own_public_key) : keys_(own_public_key) {}

  // Makes a new secret where there is none, or one that is older than two minutes: whoever has a cookie of that one has
  // to ask for another.
  void renew_secret(Instant now, const FillRandom& fill);

  bool mac1_valid(Bytes message) const;
  bool mac2_valid(Bytes message, const Endpoint& source) const;
  // The answer to a message with valid mac1 from `source`. There is a secret, and no other reply ever had this
  // `number`.
  MessageCookieReply create_reply(Bytes message, const Endpoint& source, std::uint64_t number, Sealer& sealer) const;

  bool operator==(const CookieChecker&) const = default;

 private:
  struct Secret {
    MacKey cookies;  // R_m of section 5.4.7
    // Nonces of replies are 16 bytes that never repeat and the reply's number. So the key that XChaCha20 derives from
    // the first 16 is the same for all of them.
    std::array<std::uint8_t, 16> nonce_start;
    SecretKey reply_key;
    Instant made;

    bool operator==(const Secret&) const = default;
  };
  Mac cookie_of(const Endpoint& source) const;

  MacKeys keys_;
  std::optional<Secret> secret_;
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
