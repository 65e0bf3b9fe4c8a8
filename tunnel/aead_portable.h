#pragma once
// The burst interface on the crypto library's own ChaCha20-Poly1305: runs everywhere, one message after the other.

#include <memory>

#include "tunnel/aead.h"

namespace isthmus::tunnel {

std::unique_ptr<BurstAead> make_portable_aead();

}  // namespace isthmus::tunnel
