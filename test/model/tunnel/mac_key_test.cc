// Our keyed BLAKE2s against OpenSSL's, of every length around the block's, with keys of every length.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "test/support/random.h"
#include "tunnel/mac_key.h"

namespace isthmus::tunnel {
namespace {

Mac slow_mac(Bytes key, Bytes message) {
  const std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> algorithm(EVP_MAC_fetch(nullptr, "BLAKE2SMAC", nullptr),
                                                               EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> context(EVP_MAC_CTX_new(algorithm.get()),
                                                                     EVP_MAC_CTX_free);
  std::size_t size = kMacSize;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  Mac mac{};
  EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), parameters), 1);
  EXPECT_EQ(EVP_MAC_update(context.get(), message.data(), message.size()), 1);
  EXPECT_EQ(EVP_MAC_final(context.get(), mac.data(), &size, mac.size()), 1);
  return mac;
}

TEST(MacKeyModel, IsOpenSsls) {
  test::Random random;
  for (std::size_t size = 1; size <= 260; ++size) {
    for (int i = 0; i < 8; ++i) {
      const auto key = random.bytes(random.between(1, 32));
      const auto message = random.bytes(size);
      const MacKey ours(key);
      ASSERT_EQ(ours.mac(message), slow_mac(key, message)) << size << " bytes, key of " << key.size();
      ASSERT_EQ(ours.mac(message), ours.mac(message));
      auto mac = ours.mac(message);
      ASSERT_TRUE(ours.verifies(message, mac));
      mac[random.below(mac.size())] ^= static_cast<std::uint8_t>(1U << random.below(8));
      ASSERT_FALSE(ours.verifies(message, mac));
    }
  }
}

}  // namespace
}  // namespace isthmus::tunnel
