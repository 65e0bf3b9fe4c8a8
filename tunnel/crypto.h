#pragma once
// The primitives of section 5.4, single-shot. crypto* and aead* are the only files that know the library beneath.
// Functions throw only when that library itself fails (out of memory, algorithm missing), never because of their input.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>

#include "tunnel/blake2s.h"
#include "tunnel/keys.h"
#include "tunnel/wire.h"

struct evp_pkey_st;
struct evp_pkey_ctx_st;
struct evp_cipher_ctx_st;

namespace isthmus::tunnel {

using Bytes = std::span<const std::uint8_t>;
using Digest = std::array<std::uint8_t, 32>;
using Mac = std::array<std::uint8_t, kMacSize>;
using XNonce = std::array<std::uint8_t, 24>;

void wipe(std::span<std::uint8_t> bytes);
bool equal_constant_time(Bytes a, Bytes b);

// A wire struct as the bytes that it is.
template <typename Message>
Bytes bytes_of(const Message& message) {
  static_assert(alignof(Message) == 1);
  return {reinterpret_cast<const std::uint8_t*>(&message), sizeof(Message)};
}

// RFC 7693. The parts are hashed as if they were one input.
Digest blake2s(std::initializer_list<Bytes> parts);
// RFC 2104 over BLAKE2s; keys of at most 32 bytes. The key's part is hashed once for all the texts.
class HmacBlake2s {
 public:
  explicit HmacBlake2s(Bytes key);
  SecretKey operator()(std::initializer_list<Bytes> parts) const;

 private:
  Blake2s inner_;
  Blake2s outer_;
};
inline SecretKey hmac_blake2s(Bytes key, std::initializer_list<Bytes> parts) { return HmacBlake2s(key)(parts); }

// KDF_n of section 5.4: HKDF (RFC 5869) with the chaining key as salt and no info.
template <std::size_t kCount>
std::array<SecretKey, kCount> kdf(const SecretKey& chaining_key, Bytes input) {
  const HmacBlake2s expand(hmac_blake2s(chaining_key.bytes, {input}).bytes);
  std::array<SecretKey, kCount> keys;
  Bytes previous;
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::uint8_t ordinal = static_cast<std::uint8_t>(i + 1);
    keys[i] = expand({previous, {&ordinal, 1}});
    previous = keys[i].bytes;
  }
  return keys;
}

// A public key of X25519 (RFC 7748) that is used more than once: made ready, which costs a tenth of a multiplication.
class X25519PublicKey {
 public:
  explicit X25519PublicKey(const PublicKey& bytes);

 private:
  friend class X25519Key;
  std::shared_ptr<evp_pkey_st> key_;
};

// A private key, made ready once: importing the raw bytes costs more than a multiplication. One thread at a time.
class X25519Key {
 public:
  explicit X25519Key(const SecretKey& private_key);

  const PublicKey& public_key() const { return public_key_; }
  // Nothing when the result is zero: the other side's key is of low order and contributes nothing (RFC 7748
  // section 6.1).
  std::optional<SecretKey> shared_secret(const X25519PublicKey& other) const;
  std::optional<SecretKey> shared_secret(const PublicKey& other) const { return shared_secret(X25519PublicKey(other)); }

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
    void operator()(evp_pkey_ctx_st* context) const;
  };
  std::unique_ptr<evp_pkey_st, Free> key_;
  std::unique_ptr<evp_pkey_ctx_st, Free> derivation_;
  PublicKey public_key_{};
};

// ChaCha20-Poly1305 (RFC 8439) with WireGuard's nonce. sealed is the text with 16 bytes of tag behind it.
void seal(const SecretKey& key, std::uint64_t counter, Bytes text, Bytes associated, std::span<std::uint8_t> sealed);
// False, with `text` wiped, when the tag is wrong.
[[nodiscard]] bool open(const SecretKey& key, std::uint64_t counter, Bytes sealed, Bytes associated,
                        std::span<std::uint8_t> text);

// Seals as seal() does, again and again without asking for memory: for workers, which do it for the cookies that they
// hand out. One thread's.
class Sealer {
 public:
  Sealer();
  void seal(const SecretKey& key, std::uint64_t counter, Bytes text, Bytes associated, std::span<std::uint8_t> sealed);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): seals as ChaCha20-Poly1305 does under the key that hchacha20 makes.
SecretKey hchacha20(const SecretKey& key, std::span<const std::uint8_t, 16> nonce);
[[nodiscard]] bool open_x(const SecretKey& key, const XNonce& nonce, Bytes sealed, Bytes associated,
                          std::span<std::uint8_t> text);

}  // namespace isthmus::tunnel
