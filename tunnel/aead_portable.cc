#include "tunnel/aead_portable.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <cstring>

#include "dataplane/packet/byte_order.h"

namespace isthmus::tunnel {
namespace {

// A failing library must never let a text leave unsealed, and the packet path has no exceptions.
void must(bool succeeded) {
  if (!succeeded) [[unlikely]]
    std::abort();
}

// One direction: a context that keeps its key schedule as long as messages of one session follow each other in a burst.
class Direction {
 public:
  explicit Direction(bool encrypts) : encrypts_(encrypts) {
    const Cipher cipher(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr));
    // With a key from the start, so that `key_` always is what the context holds.
    must(context_ && cipher &&
         EVP_CipherInit_ex2(context_.get(), cipher.get(), key_.bytes.data(), nullptr, encrypts_, nullptr) == 1);
  }

  void seal(AeadJob& job) {
    begin(job);
    transform(job);
    int written = 0;
    std::uint8_t* const tag = job.data + job.length;
    must(EVP_EncryptFinal_ex(context_.get(), tag, &written) == 1);
    must(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kAeadTagSize, tag) == 1);
  }

  void open(AeadJob& job) {
    begin(job);
    must(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kAeadTagSize, job.data + job.length) == 1);
    transform(job);
    std::uint8_t nothing[kAeadTagSize];
    int written = 0;
    job.authentic = EVP_DecryptFinal_ex(context_.get(), nothing, &written) == 1;
  }

  // To be called when a burst is done. A session's keys are wiped in their time, and a worker that has nothing to do by
  // then must not have kept one.
  void forget() {
    key_ = AeadKey{};
    must(EVP_CipherInit_ex2(context_.get(), nullptr, key_.bytes.data(), nullptr, encrypts_, nullptr) == 1);
  }

 private:
  struct FreeCipher {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
  };
  struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  using Cipher = std::unique_ptr<EVP_CIPHER, FreeCipher>;

  void begin(const AeadJob& job) {
    std::array<std::uint8_t, 12> nonce{};
    const Little64 counter = job.counter;
    std::memcpy(nonce.data() + 4, &counter, sizeof(counter));
    // Bytes are compared, not places: a new session's key may lie where an old one's did.
    const bool same_key = CRYPTO_memcmp(key_.bytes.data(), job.key->bytes.data(), kAeadKeySize) == 0;
    if (!same_key) key_ = *job.key;
    must(EVP_CipherInit_ex2(context_.get(), nullptr, same_key ? nullptr : key_.bytes.data(), nonce.data(), encrypts_,
                            nullptr) == 1);
  }

  void transform(const AeadJob& job) {
    int written = 0;
    if (job.length == 0) return;  // a keepalive: the tag alone
    must(EVP_CipherUpdate(context_.get(), job.data, &written, job.data, static_cast<int>(job.length)) == 1);
  }

  bool encrypts_;
  AeadKey key_;
  std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context_{EVP_CIPHER_CTX_new()};
};

class PortableAead final : public BurstAead {
 public:
  std::string_view name() const override { return "portable"; }
  void seal(std::span<AeadJob> jobs) override {
    for (AeadJob& job : jobs) sealing_.seal(job);
    sealing_.forget();
  }
  void open(std::span<AeadJob> jobs) override {
    for (AeadJob& job : jobs) opening_.open(job);
    opening_.forget();
  }

 private:
  Direction sealing_{true};
  Direction opening_{false};
};

}  // namespace

std::unique_ptr<BurstAead> make_portable_aead() { return std::make_unique<PortableAead>(); }

}  // namespace isthmus::tunnel
