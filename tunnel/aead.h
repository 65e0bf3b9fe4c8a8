#pragma once
// ChaCha20-Poly1305 over bursts (RFC 8439 with WireGuard's nonce: 32 zero bits, then the counter, little-endian; no
// associated data). This is the interface through which every implementation, however fast, is used.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace isthmus::tunnel {

inline constexpr std::size_t kAeadKeySize = 32;
inline constexpr std::size_t kAeadTagSize = 16;

// Wiped when it goes.
struct AeadKey {
  alignas(32) std::array<std::uint8_t, kAeadKeySize> bytes{};

  AeadKey() = default;
  AeadKey(const AeadKey&) = default;
  AeadKey& operator=(const AeadKey&) = default;
  ~AeadKey();
};

// One message, sealed or opened in place. The tag lies right behind the data: data[length .. length + 16).
struct AeadJob {
  const AeadKey* key = nullptr;
  std::uint64_t counter = 0;
  std::uint8_t* data = nullptr;
  std::uint32_t length = 0;  // of the text without the tag
  bool authentic = false;    // out, by open
};

// One per thread; not thread-safe. Constant time in keys and data.
class BurstAead {
 public:
  virtual ~BurstAead() = default;
  virtual std::string_view name() const = 0;  // for status and metrics
  virtual void seal(std::span<AeadJob> jobs) = 0;
  // A job whose tag is wrong gets authentic = false, and its data must not be used; the other jobs are not affected.
  virtual void open(std::span<AeadJob> jobs) = 0;
};

// Which implementation: kAuto takes the fastest that this CPU runs. kAvx512 needs IFMA and VBMI2 (Ice Lake, Zen 4).
enum class AeadChoice : std::uint8_t { kAuto, kPortable, kAvx2, kAvx512 };
bool cpu_runs(AeadChoice choice);
// A choice that this CPU does not run is answered like kAuto: a gateway that moves to an older machine keeps working,
// and name() tells what it does.
std::unique_ptr<BurstAead> make_burst_aead(AeadChoice choice);

}  // namespace isthmus::tunnel
