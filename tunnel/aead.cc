#include "tunnel/aead.h"

#include "tunnel/aead_portable.h"
#include "tunnel/crypto.h"

#if defined(__x86_64__)
#include "tunnel/aead_lanes.h"
#endif

namespace isthmus::tunnel {
namespace {

AeadChoice fastest() {
  for (const AeadChoice choice : {AeadChoice::kAvx512, AeadChoice::kAvx2}) {
    if (cpu_runs(choice)) return choice;
  }
  return AeadChoice::kPortable;
}

}  // namespace

AeadKey::~AeadKey() { wipe(bytes); }

#if defined(__x86_64__)

// The builtin also asks whether the operating system saves the registers.
bool cpu_runs(AeadChoice choice) {
  switch (choice) {
    case AeadChoice::kAuto:
    case AeadChoice::kPortable:
      break;
    case AeadChoice::kAvx2:
      return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi2") != 0;
    case AeadChoice::kAvx512:
      return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
             __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
             __builtin_cpu_supports("avx512ifma") != 0 && __builtin_cpu_supports("avx512vbmi2") != 0 &&
             __builtin_cpu_supports("bmi2") != 0;
  }
  return true;
}

std::unique_ptr<BurstAead> make_burst_aead(AeadChoice choice) {
  if (choice == AeadChoice::kAuto || !cpu_runs(choice)) choice = fastest();
  if (choice == AeadChoice::kAvx512) return make_avx512_aead();
  if (choice == AeadChoice::kAvx2) return make_avx2_aead();
  return make_portable_aead();
}

#else

bool cpu_runs(AeadChoice choice) { return choice == AeadChoice::kAuto || choice == AeadChoice::kPortable; }

std::unique_ptr<BurstAead> make_burst_aead(AeadChoice) { return make_portable_aead(); }

#endif

}  // namespace isthmus::tunnel
