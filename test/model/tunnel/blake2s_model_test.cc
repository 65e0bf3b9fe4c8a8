// Our BLAKE2s against the library's, for every length and key length, in pieces of random size.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <memory>
#include <vector>

#include "test/support/random.h"
#include "tunnel/blake2s.h"

namespace isthmus::tunnel {
namespace {

std::vector<std::uint8_t> of_library(std::span<const std::uint8_t> key, std::span<const std::uint8_t> text,
                                     std::size_t size) {
  std::vector<std::uint8_t> result(32);
  if (key.empty()) {
    unsigned length = 0;
    EVP_Digest(text.data(), text.size(), result.data(), &length, EVP_blake2s256(), nullptr);
    return result;
  }
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "BLAKE2SMAC", nullptr),
                                                              EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), parameters), 1);
  EXPECT_EQ(EVP_MAC_update(context.get(), text.data(), text.size()), 1);
  std::size_t written = 0;
  EXPECT_EQ(EVP_MAC_final(context.get(), result.data(), &written, result.size()), 1);
  result.resize(written);
  return result;
}

TEST(Blake2sModel, IsTheLibrarys) {
  test::Random random;
  for (std::size_t length = 0; length < 400; ++length) {
    for (const std::size_t key_length : {0UL, 16UL, 32UL, 1 + random.below(32)}) {
      std::vector<std::uint8_t> text(length);
      std::vector<std::uint8_t> key(key_length);
      for (auto* bytes : {&text, &key}) {
        for (std::uint8_t& byte : *bytes) byte = static_cast<std::uint8_t>(random.below(256));
      }
      const std::size_t size = key.empty() ? 32 : 1 + random.below(32);
      Blake2s hash(size, key);
      for (std::span<const std::uint8_t> rest = text; !rest.empty();) {
        const std::size_t piece = 1 + random.below(rest.size());
        hash.update(rest.first(piece));
        rest = rest.subspan(piece);
      }
      std::vector<std::uint8_t> ours(size);
      hash.finish(ours);
      ASSERT_EQ(ours, of_library(key, text, size)) << length << " bytes, key of " << key_length;
    }
  }
}

}  // namespace
}  // namespace isthmus::tunnel
