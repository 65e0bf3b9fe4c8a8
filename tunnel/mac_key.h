#pragma once
// MAC of section 5.4: keyed BLAKE2s with 16 bytes of output (RFC 7693). Our own, because a worker calculates it for
// every handshake message that anybody in the world sends: no allocation, and a key's block is compressed only once.

#include <array>
#include <cstdint>

#include "tunnel/crypto.h"

namespace isthmus::tunnel {

class MacKey {
 public:
  explicit MacKey(Bytes key);  // 1 to 32 bytes
  MacKey(const MacKey&) = default;
  MacKey& operator=(const MacKey&) = default;
  ~MacKey();

  Mac mac(Bytes message) const;  // of at least one byte
  bool verifies(Bytes message, Bytes mac) const { return equal_constant_time(this->mac(message), mac); }
  bool operator==(const MacKey& other) const { return equal_constant_time(bytes(), other.bytes()); }

 private:
  Bytes bytes() const { return {reinterpret_cast<const std::uint8_t*>(state_.data()), sizeof(state_)}; }

  std::array<std::uint32_t, 8> state_;  // after the key's block
};

}  // namespace isthmus::tunnel
