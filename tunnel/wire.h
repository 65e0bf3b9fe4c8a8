#pragma once
// The WireGuard protocol on one page: messages as they lie on the wire, and its constants.
// Source: Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel", sections 5.4 (messages) and 6 (timers).

#include <array>
#include <chrono>
#include <cstdint>

#include "dataplane/packet/byte_order.h"
#include "dataplane/packet/time.h"

namespace isthmus::tunnel {

using namespace std::chrono_literals;

// Section 6.1, table of constants
inline constexpr std::uint64_t kRekeyAfterMessages = std::uint64_t{1} << 60;
inline constexpr std::uint64_t kRejectAfterMessages = ~std::uint64_t{0} - (std::uint64_t{1} << 13);  // 2^64 - 2^13 - 1
inline constexpr Duration kRekeyAfterTime = 120s;
inline constexpr Duration kRejectAfterTime = 180s;
inline constexpr Duration kRekeyAttemptTime = 90s;
inline constexpr Duration kRekeyTimeout = 5s;
inline constexpr Duration kRekeyTimeoutJitterMax = 333ms;
inline constexpr Duration kKeepaliveTimeout = 10s;
inline constexpr Duration kCookieRefreshTime = 120s;

inline constexpr std::size_t kKeySize = 32;
inline constexpr std::size_t kTagSize = 16;
inline constexpr std::size_t kMacSize = 16;
inline constexpr std::size_t kTimestampSize = 12;
inline constexpr std::size_t kPaddingMultiple = 16;

// The type byte and three reserved zero bytes, read as one little-endian word.
enum class MessageType : std::uint32_t { kInitiation = 1, kResponse = 2, kCookieReply = 3, kData = 4 };

using PublicKey = std::array<std::uint8_t, kKeySize>;

struct MessageMacs {
  std::array<std::uint8_t, kMacSize> mac1;
  std::array<std::uint8_t, kMacSize> mac2;
};

// Section 5.4.2
struct MessageInitiation {
  Little32 type;
  Little32 sender_index;
  PublicKey unencrypted_ephemeral;
  std::array<std::uint8_t, kKeySize + kTagSize> encrypted_static;
  std::array<std::uint8_t, kTimestampSize + kTagSize> encrypted_timestamp;
  MessageMacs macs;
};
static_assert(sizeof(MessageInitiation) == 148);

// Section 5.4.3
struct MessageResponse {
  Little32 type;
  Little32 sender_index;
  Little32 receiver_index;
  PublicKey unencrypted_ephemeral;
  std::array<std::uint8_t, kTagSize> encrypted_nothing;
  MessageMacs macs;
};
static_assert(sizeof(MessageResponse) == 92);

// Section 5.4.7
struct MessageCookieReply {
  Little32 type;
  Little32 receiver_index;
  std::array<std::uint8_t, 24> nonce;
  std::array<std::uint8_t, 16 + kTagSize> encrypted_cookie;
};
static_assert(sizeof(MessageCookieReply) == 64);

// Section 5.4.6; the encrypted, padded packet and its tag follow.
struct DataHeader {
  Little32 type;
  Little32 receiver_index;
  Little64 counter;
};
static_assert(sizeof(DataHeader) == 16);

// What a data message adds to the padded packet.
inline constexpr std::size_t kDataOverhead = sizeof(DataHeader) + kTagSize;

}  // namespace isthmus::tunnel
