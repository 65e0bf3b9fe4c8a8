#include <openssl/evp.h>

#include <cstring>

#include "tunnel/crypto.h"
#include "tunnel/keys.h"

namespace isthmus::tunnel {
namespace {

constexpr std::size_t kBase64Size = 44;  // of 32 bytes, with one '='

// What the library's block functions write: 44 characters with a terminating zero, or 33 bytes of which one is padding.
struct Scratch {
  std::array<std::uint8_t, kBase64Size + 1> bytes{};
  ~Scratch() { wipe(bytes); }
};

}  // namespace

SecretKey::~SecretKey() { wipe(bytes); }

bool SecretKey::operator==(const SecretKey& other) const { return equal_constant_time(bytes, other.bytes); }

std::optional<PublicKey> parse_key(std::string_view base64) {
  if (base64.size() != kBase64Size) return std::nullopt;
  Scratch decoded;
  const auto* text = reinterpret_cast<const unsigned char*>(base64.data());
  if (EVP_DecodeBlock(decoded.bytes.data(), text, kBase64Size) < 0) return std::nullopt;
  // The library forgives spaces and stray low bits; encoding again shows whether this was the one right spelling.
  Scratch encoded;
  EVP_EncodeBlock(encoded.bytes.data(), decoded.bytes.data(), kKeySize);
  if (!equal_constant_time({text, kBase64Size}, std::span(encoded.bytes).first<kBase64Size>())) return std::nullopt;
  PublicKey key;
  std::memcpy(key.data(), decoded.bytes.data(), key.size());
  return key;
}

std::string to_base64(const PublicKey& key) {
  Scratch encoded;
  EVP_EncodeBlock(encoded.bytes.data(), key.data(), kKeySize);
  return {reinterpret_cast<const char*>(encoded.bytes.data()), kBase64Size};
}

PublicKey public_key_of(const SecretKey& private_key) { return X25519Key(private_key).public_key(); }

}  // namespace isthmus::tunnel
