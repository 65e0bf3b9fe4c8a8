#pragma once
// Keys as values and as text.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tunnel/wire.h"

namespace isthmus::tunnel {

// 32 secret bytes: a private or a pre-shared key, or what a handshake derives. Wiped when it goes.
struct SecretKey {
  std::array<std::uint8_t, kKeySize> bytes{};

  SecretKey() = default;
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();
  bool operator==(const SecretKey& other) const;  // constant time
};

std::optional<PublicKey> parse_key(std::string_view base64);  // 44 characters
std::string to_base64(const PublicKey& key);
PublicKey public_key_of(const SecretKey& private_key);

}  // namespace isthmus::tunnel
