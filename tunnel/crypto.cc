#include "tunnel/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <stdexcept>

#include "dataplane/packet/byte_order.h"
#include "tunnel/blake2s.h"

namespace isthmus::tunnel {
namespace {

using Nonce = std::array<std::uint8_t, 12>;

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using CipherAlgorithm = std::unique_ptr<EVP_CIPHER, Deleter<EVP_CIPHER_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;

void must(bool succeeded) {
  if (!succeeded) throw std::runtime_error("the crypto library failed");
}

template <typename Pointer>
Pointer must_have(Pointer pointer) {
  must(pointer != nullptr);
  return pointer;
}

// Fetched once: a fetch by name costs more than the sealing of a short text.
const EVP_CIPHER* chacha20_poly1305() {
  static const auto algorithm = must_have(CipherAlgorithm(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)));
  return algorithm.get();
}

const EVP_CIPHER* chacha20() {
  static const auto algorithm = must_have(CipherAlgorithm(EVP_CIPHER_fetch(nullptr, "ChaCha20", nullptr)));
  return algorithm.get();
}

// Section 5.4: AEAD's nonce is 32 bits of zero followed by the 64-bit little-endian counter.
Nonce nonce_of(std::uint64_t counter) {
  Nonce nonce{};
  const Little64 wire = counter;
  std::memcpy(nonce.data() + 4, &wire, sizeof(wire));
  return nonce;
}

// One that seals again and again without asking for memory: naming the algorithm a second time would.
CipherContext sealing_context() {
  auto context = must_have(CipherContext(EVP_CIPHER_CTX_new()));
  must(EVP_EncryptInit_ex2(context.get(), chacha20_poly1305(), nullptr, nullptr, nullptr) == 1);
  return context;
}

void seal_with(EVP_CIPHER_CTX* c, const SecretKey& key, const Nonce& nonce, Bytes text, Bytes associated,
               std::span<std::uint8_t> sealed) {
  assert(sealed.size() == text.size() + kTagSize);
  int written = 0;
  must(EVP_EncryptInit_ex2(c, nullptr, key.bytes.data(), nonce.data(), nullptr) == 1);
  must(EVP_EncryptUpdate(c, nullptr, &written, associated.data(), static_cast<int>(associated.size())) == 1);
  if (!text.empty()) {
    must(EVP_EncryptUpdate(c, sealed.data(), &written, text.data(), static_cast<int>(text.size())) == 1);
  }
  std::uint8_t* const tag = sealed.data() + text.size();
  must(EVP_EncryptFinal_ex(c, tag, &written) == 1);
  must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag) == 1);
}

void seal_with(const SecretKey& key, const Nonce& nonce, Bytes text, Bytes associated, std::span<std::uint8_t> sealed) {
  seal_with(sealing_context().get(), key, nonce, text, associated, sealed);
}

bool open_with(const SecretKey& key, const Nonce& nonce, Bytes sealed, Bytes associated, std::span<std::uint8_t> text) {
  assert(sealed.size() == text.size() + kTagSize);
  const auto context = must_have(CipherContext(EVP_CIPHER_CTX_new()));
  EVP_CIPHER_CTX* const c = context.get();
  int written = 0;
  Mac tag;
  std::memcpy(tag.data(), sealed.data() + text.size(), tag.size());
  must(EVP_DecryptInit_ex2(c, chacha20_poly1305(), key.bytes.data(), nonce.data(), nullptr) == 1);
  must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) == 1);
  must(EVP_DecryptUpdate(c, nullptr, &written, associated.data(), static_cast<int>(associated.size())) == 1);
  if (!text.empty()) {
    must(EVP_DecryptUpdate(c, text.data(), &written, sealed.data(), static_cast<int>(text.size())) == 1);
  }
  std::uint8_t nothing[1];
  const bool authentic = EVP_DecryptFinal_ex(c, nothing, &written) == 1;
  if (!authentic) wipe(text);
  return authentic;
}

std::uint32_t load_word(const std::uint8_t* bytes) {
  Little32 word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

// XChaCha20: the first 16 bytes of the nonce make the subkey, the other eight are ChaCha20's nonce behind four zeros.
Nonce rest_of(const XNonce& nonce) {
  Nonce rest{};
  std::copy(nonce.begin() + 16, nonce.end(), rest.begin() + 4);
  return rest;
}

}  // namespace

void wipe(std::span<std::uint8_t> bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

bool equal_constant_time(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Digest blake2s(std::initializer_list<Bytes> parts) {
  Blake2s hash;
  for (const Bytes part : parts) hash.update(part);
  Digest digest;
  hash.finish(digest);
  return digest;
}

// RFC 2104: H(key ^ opad, H(key ^ ipad, text))
HmacBlake2s::HmacBlake2s(Bytes key) {
  assert(key.size() <= kKeySize);
  std::array<std::uint8_t, Blake2s::kBlock> pad{};
  std::copy(key.begin(), key.end(), pad.begin());
  for (std::uint8_t& byte : pad) byte ^= 0x36;
  inner_.update(pad);
  for (std::uint8_t& byte : pad) byte ^= 0x36 ^ 0x5c;
  outer_.update(pad);
  outer_.absorb();
  wipe(pad);
}

SecretKey HmacBlake2s::operator()(std::initializer_list<Bytes> parts) const {
  SecretKey key;
  Blake2s inner = inner_;
  for (const Bytes part : parts) inner.update(part);
  inner.finish(key.bytes);
  Blake2s outer = outer_;
  outer.update(key.bytes);
  outer.finish(key.bytes);
  return key;
}

X25519PublicKey::X25519PublicKey(const PublicKey& bytes)
    : key_(must_have(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, bytes.data(), bytes.size())),
           EVP_PKEY_free) {}

void X25519Key::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
void X25519Key::Free::operator()(evp_pkey_ctx_st* context) const { EVP_PKEY_CTX_free(context); }

X25519Key::X25519Key(const SecretKey& private_key)
    : key_(must_have(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, private_key.bytes.data(), kKeySize))),
      derivation_(must_have(EVP_PKEY_CTX_new(key_.get(), nullptr))) {
  must(EVP_PKEY_derive_init(derivation_.get()) == 1);
  std::size_t size = public_key_.size();
  must(EVP_PKEY_get_raw_public_key(key_.get(), public_key_.data(), &size) == 1);
}

std::optional<SecretKey> X25519Key::shared_secret(const X25519PublicKey& other) const {
  // Every 32 bytes are a public key (RFC 7748 section 5): there is nothing to validate.
  must(EVP_PKEY_derive_set_peer_ex(derivation_.get(), other.key_.get(), 0) == 1);
  SecretKey secret;
  std::size_t size = secret.bytes.size();
  // The library refuses a zero result too; comparing again does not rely on that.
  if (EVP_PKEY_derive(derivation_.get(), secret.bytes.data(), &size) != 1 || secret == SecretKey{}) return std::nullopt;
  return secret;
}

void seal(const SecretKey& key, std::uint64_t counter, Bytes text, Bytes associated, std::span<std::uint8_t> sealed) {
  seal_with(key, nonce_of(counter), text, associated, sealed);
}

bool open(const SecretKey& key, std::uint64_t counter, Bytes sealed, Bytes associated, std::span<std::uint8_t> text) {
  return open_with(key, nonce_of(counter), sealed, associated, text);
}

void Sealer::Free::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

Sealer::Sealer() : context_(sealing_context().release()) {}

void Sealer::seal(const SecretKey& key, std::uint64_t counter, Bytes text, Bytes associated,
                  std::span<std::uint8_t> sealed) {
  seal_with(context_.get(), key, nonce_of(counter), text, associated, sealed);
}

// draft-irtf-cfrg-xchacha section 2.2: words 0 to 3 and 12 to 15 after the rounds, without the final addition of the
// initial state. A block of ChaCha20's key stream has that addition: it is taken off again.
SecretKey hchacha20(const SecretKey& key, std::span<const std::uint8_t, 16> nonce) {
  std::array<std::uint8_t, 64> block{};
  const auto context = must_have(CipherContext(EVP_CIPHER_CTX_new()));
  int written = 0;
  // The library's 16-byte IV is exactly words 12 to 15 of the initial state.
  must(EVP_EncryptInit_ex2(context.get(), chacha20(), key.bytes.data(), nonce.data(), nullptr) == 1);
  must(EVP_EncryptUpdate(context.get(), block.data(), &written, block.data(), static_cast<int>(block.size())) == 1);

  static constexpr std::uint32_t kConstants[] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  SecretKey subkey;
  for (std::size_t i = 0; i < 4; ++i) {
    const Little32 low = load_word(&block[4 * i]) - kConstants[i];
    const Little32 high = load_word(&block[48 + 4 * i]) - load_word(&nonce[4 * i]);
    std::memcpy(&subkey.bytes[4 * i], &low, sizeof(low));
    std::memcpy(&subkey.bytes[16 + 4 * i], &high, sizeof(high));
  }
  wipe(block);
  return subkey;
}

bool open_x(const SecretKey& key, const XNonce& nonce, Bytes sealed, Bytes associated, std::span<std::uint8_t> text) {
  return open_with(hchacha20(key, std::span(nonce).first<16>()), rest_of(nonce), sealed, associated, text);
}

}  // namespace isthmus::tunnel
