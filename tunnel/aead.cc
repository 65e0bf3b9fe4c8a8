#include "tunnel/aead.h"

#include "tunnel/aead_portable.h"
#include "tunnel/crypto.h"

namespace isthmus::tunnel {

AeadKey::~AeadKey() { wipe(bytes); }

std::unique_ptr<BurstAead> make_burst_aead(AeadChoice choice) {
  switch (choice) {
    case AeadChoice::kAuto:  // nothing faster exists yet
    case AeadChoice::kPortable:
      break;
  }
  return make_portable_aead();
}

}  // namespace isthmus::tunnel
