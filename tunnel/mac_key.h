#pragma once
// MAC of section 5.4: keyed BLAKE2s with 16 bytes of output. A worker calculates it for every handshake message that
// anybody in the world sends: a key's block is compressed only once.

#include "tunnel/blake2s.h"
#include "tunnel/crypto.h"

namespace isthmus::tunnel {

class MacKey {
 public:
  explicit MacKey(Bytes key) : keyed_(kMacSize, key) { keyed_.absorb(); }  // 1 to 32 bytes

  Mac mac(Bytes message) const {  // of at least one byte
    Blake2s hash = keyed_;
    hash.update(message);
    Mac mac;
    hash.finish(mac);
    return mac;
  }
  bool verifies(Bytes message, Bytes mac) const { return equal_constant_time(this->mac(message), mac); }
  bool operator==(const MacKey& other) const { return keyed_ == other.keyed_; }

 private:
  Blake2s keyed_;
};

}  // namespace isthmus::tunnel
