#include "tunnel/keys.h"

#include <gtest/gtest.h>

#include <cstring>
#include <new>

#include "tunnel/aead.h"

namespace isthmus::tunnel {
namespace {

// `wg genkey` and `wg pubkey`
constexpr std::string_view kPrivate = "GP8AHANH1Bb13/CmLjg1su1tYOCOg3yHkrmpbGRM9EU=";
constexpr std::string_view kPublic = "7ZsrMmj+iF6yKvasVLgRHKf8bUKiIe/kxSUb7u1dK3U=";

TEST(Keys, ThereAndBack) {
  const auto key = parse_key(kPrivate);
  ASSERT_TRUE(key);
  EXPECT_EQ((*key)[0], 0x18);
  EXPECT_EQ((*key)[31], 0x45);
  EXPECT_EQ(to_base64(*key), kPrivate);
  EXPECT_EQ(to_base64({}), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}

TEST(Keys, PublicKeyOf) {
  SecretKey secret;
  secret.bytes = *parse_key(kPrivate);
  EXPECT_EQ(to_base64(public_key_of(secret)), kPublic);
}

TEST(Keys, OnlyTheOneRightSpelling) {
  for (const std::string_view text : {
           "",
           "GP8AHANH1Bb13/CmLjg1su1tYOCOg3yHkrmpbGRM9EU",     // no padding
           "GP8AHANH1Bb13/CmLjg1su1tYOCOg3yHkrmpbGRM9EU=\n",  // a line's end
           "GP8AHANH1Bb13/CmLjg1su1tYOCOg3yHkrmpbGRM9EV=",    // bits that no byte has
           "GP8AHANH1Bb13/CmLjg1su1tYOCOg3yHkrmpbGRM9E==",    // 31 bytes
           "GP8AHANH1Bb13/CmLjg1su1tYOCOg3yHkrmpbGRM9EUA",    // 33 bytes
           "GP8AHANH1Bb13_CmLjg1su1tYOCOg3yHkrmpbGRM9EU=",    // the other alphabet
           " GP8AHANH1Bb13/CmLjg1su1tYOCOg3yHkrmpbGRM9E=",    // a space
           "GP8A=ANH1Bb13/CmLjg1su1tYOCOg3yHkrmpbGRM9EU=",    // padding in the middle
       }) {
    EXPECT_FALSE(parse_key(text)) << text;
  }
}

// The bytes where a key was, after it has gone.
template <typename Key>
bool leaves_nothing() {
  alignas(Key) std::array<std::uint8_t, sizeof(Key)> place{};
  auto* key = new (place.data()) Key;
  key->bytes.fill(0x77);
  key->~Key();
  std::array<std::uint8_t, sizeof(Key)> left;
  // Through a volatile pointer, or the compiler may take what the place held for certain.
  const volatile std::uint8_t* bytes = place.data();
  for (std::size_t i = 0; i < left.size(); ++i) left[i] = bytes[i];
  return left == std::array<std::uint8_t, sizeof(Key)>{};
}

TEST(Keys, AreWiped) {
  EXPECT_TRUE(leaves_nothing<SecretKey>());
  EXPECT_TRUE(leaves_nothing<AeadKey>());
}

}  // namespace
}  // namespace isthmus::tunnel
