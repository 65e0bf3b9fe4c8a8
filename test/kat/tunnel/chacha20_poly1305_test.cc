// RFC 8439 and draft-irtf-cfrg-xchacha-03
#include <gtest/gtest.h>

#include "test/kat/tunnel/hex.h"
#include "tunnel/crypto.h"

namespace isthmus::tunnel {
namespace {

SecretKey secret(std::string_view text) {
  SecretKey key;
  key.bytes = unhex_array<32>(text);
  return key;
}

// Appendix A.5: of the RFC's vectors the one whose nonce begins with 32 zero bits, as all of WireGuard's do.
constexpr std::string_view kKey = "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0";
constexpr std::uint64_t kCounter = 0x0807060504030201;
constexpr std::string_view kAssociated = "f33388860000000000004e91";
constexpr std::string_view kText =
    "496e7465726e65742d4472616674732061726520647261667420646f63756d656e74732076616c696420666f722061206d6178696d756d206f"
    "66"
    "20736978206d6f6e74687320616e64206d617920626520757064617465642c207265706c616365642c206f72206f62736f6c65746564206279"
    "20"
    "6f7468657220646f63756d656e747320617420616e792074696d652e20497420697320696e617070726f70726961746520746f207573652049"
    "6e"
    "7465726e65742d447261667473206173207265666572656e6365206d6174657269616c206f7220746f2063697465207468656d206f74686572"
    "20"
    "7468616e206173202fe2809c776f726b20696e2070726f67726573732e2fe2809d";
constexpr std::string_view kSealed =
    "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4"
    "f0"
    "3b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b350638360690"
    "7b"
    "6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718c"
    "bc"
    "546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d3610"
    "94"
    "fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38";

TEST(ChaCha20Poly1305, Rfc8439AppendixA5) {
  const auto text = unhex(kText);
  std::vector<std::uint8_t> sealed(text.size() + kTagSize);
  seal(secret(kKey), kCounter, text, unhex(kAssociated), sealed);
  EXPECT_EQ(hex(sealed), kSealed);

  std::vector<std::uint8_t> opened(text.size());
  EXPECT_TRUE(open(secret(kKey), kCounter, sealed, unhex(kAssociated), opened));
  EXPECT_EQ(hex(opened), kText);
}

TEST(ChaCha20Poly1305, EveryInputIsAuthenticated) {
  const auto sealed = unhex(kSealed);
  const auto associated = unhex(kAssociated);
  std::vector<std::uint8_t> opened(sealed.size() - kTagSize, 0xee);
  EXPECT_FALSE(open(secret(kKey), kCounter + 1, sealed, associated, opened));
  EXPECT_EQ(opened, std::vector<std::uint8_t>(opened.size(), 0)) << "an unauthentic text was handed out";
  EXPECT_FALSE(open(secret(kText), kCounter, sealed, associated, opened));
  EXPECT_FALSE(open(secret(kKey), kCounter, sealed, {}, opened));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto flipped = sealed;
    flipped[i] = static_cast<std::uint8_t>(flipped[i] ^ (1U << (i % 8)));
    EXPECT_FALSE(open(secret(kKey), kCounter, flipped, associated, opened)) << i;
  }
}

// By Python's cryptography: the counter's byte order, and a text of no bytes.
TEST(ChaCha20Poly1305, EmptyText) {
  SecretKey key;
  std::ranges::copy(counting(32), key.bytes.begin());
  Mac tag;
  seal(key, 0x0102030405060708, {}, {}, tag);
  EXPECT_EQ(hex(tag), "2752c39e5b6b57e6b8f924db3698b1ba");
  EXPECT_TRUE(open(key, 0x0102030405060708, tag, {}, {}));
}

TEST(XChaCha20Poly1305, DraftSection221) {
  SecretKey key;
  std::ranges::copy(counting(32), key.bytes.begin());
  const auto nonce = unhex_array<16>("000000090000004a0000000031415927");
  EXPECT_EQ(hex(hchacha20(key, nonce).bytes), "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc");
}

TEST(XChaCha20Poly1305, DraftAppendixA3) {
  const SecretKey key = secret("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const auto nonce = unhex_array<24>("404142434445464748494a4b4c4d4e4f5051525354555657");
  const auto associated = unhex("50515253c0c1c2c3c4c5c6c7");
  constexpr std::string_view kSunscreen =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.";
  const std::vector<std::uint8_t> text(kSunscreen.begin(), kSunscreen.end());
  const auto sealed = unhex(
      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c2"
      "16cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c6"
      "8b13b52ec0875924c1c7987947deafd8780acf49");
  std::vector<std::uint8_t> opened(text.size());
  EXPECT_TRUE(open_x(key, nonce, sealed, associated, opened));
  EXPECT_EQ(opened, text);
  auto other = nonce;
  other[23] ^= 1;
  EXPECT_FALSE(open_x(key, other, sealed, associated, opened));
  other = nonce;
  other[0] ^= 1;
  EXPECT_FALSE(open_x(key, other, sealed, associated, opened));
}

}  // namespace
}  // namespace isthmus::tunnel
