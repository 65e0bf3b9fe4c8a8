#pragma once
// A static key pair of ours. While keys are being rotated there are two: peers may know either.

#include "tunnel/cookie.h"
#include "tunnel/crypto.h"

namespace isthmus::tunnel {

struct Identity {
  explicit Identity(const SecretKey& private_key) : key(private_key), checker(key.public_key()) {}

  X25519Key key;
  CookieChecker checker;  // of what is said to this key
};

}  // namespace isthmus::tunnel
