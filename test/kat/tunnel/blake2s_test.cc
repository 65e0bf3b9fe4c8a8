// RFC 7693, and values of Python's hashlib and hmac, which share no code with the library beneath.
#include <gtest/gtest.h>

#include "test/kat/tunnel/hex.h"
#include "tunnel/crypto.h"
#include "tunnel/mac_key.h"

namespace isthmus::tunnel {
namespace {

TEST(Blake2s, Rfc7693AppendixB) {
  const auto abc = unhex("616263");
  EXPECT_EQ(hex(blake2s({abc})), "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

TEST(Blake2s, HashesOfCountingBytes) {
  const struct {
    std::size_t size;
    std::string_view digest;
  } vectors[] = {
      {0, "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9"},
      {1, "e34d74dbaf4ff4c6abd871cc220451d2ea2648846c7757fbaac82fe51ad64bea"},
      {3, "e8f91c6ef232a041452ab0e149070cdd7dd1769e75b3a5921be37876c45c9900"},
      {63, "e57cb79487dd57902432b250733813bd96a84efce59f650fac26e6696aefafc3"},
      {64, "56f34e8b96557e90c1f24b52d0c89d51086acf1b00f634cf1dde9233b8eaaa3e"},
      {65, "1b53ee94aaf34e4b159d48de352c7f0661d0a40edff95a0b1639b4090e974472"},
      {128, "1fa877de67259d19863a2a34bcc6962a2b25fcbf5cbecd7ede8f1fa36688a796"},
      {255, "f03f5789d3336b80d002d59fdf918bdb775b00956ed5528e86aa994acb38fe2d"},
  };
  for (const auto& vector : vectors) {
    const auto input = counting(vector.size);
    EXPECT_EQ(hex(blake2s({input})), vector.digest) << vector.size;
    // Cut anywhere, the parts are one input.
    const Bytes whole(input);
    for (const std::size_t cut : {std::size_t{0}, vector.size / 3, vector.size}) {
      EXPECT_EQ(hex(blake2s({whole.first(cut), whole.subspan(cut)})), vector.digest) << vector.size << " at " << cut;
    }
  }
}

TEST(Blake2s, KeyedWithSixteenBytesOfOutput) {
  EXPECT_EQ(hex(MacKey(counting(16)).mac(counting(52))), "7890de1a8cb14a1a3b1b22e1d037c233");
  EXPECT_EQ(hex(MacKey(counting(32)).mac(counting(132))), "6d19534b4c332741c8ddd79a9644de2d");
}

TEST(Blake2s, Hmac) {
  EXPECT_EQ(hex(hmac_blake2s({}, {}).bytes), "eaf4bb25938f4d20e72656bbbc7a9bf63c0c18537333c35bdb67db1402661acd");
  EXPECT_EQ(hex(hmac_blake2s(counting(16), {counting(3)}).bytes),
            "e5c1e02d840718d0ec8719b375d86a3bc6af79a7e3f6c4e97a9648213e19d868");
  EXPECT_EQ(hex(hmac_blake2s(counting(32), {counting(64)}).bytes),
            "3b35e945d05ac982850451ac8b6cdfffb98e56f50b95272fab665de081691056");
  EXPECT_EQ(hex(hmac_blake2s(counting(32), {counting(200)}).bytes),
            "543eec9b22646365ef782d72dae137cc761d018005f8d33d0f20bfbd01e62974");
}

TEST(Blake2s, Kdf) {
  SecretKey key;
  std::ranges::copy(counting(32), key.bytes.begin());
  constexpr std::string_view kText = "input key material";
  const std::vector<std::uint8_t> input(kText.begin(), kText.end());
  const auto three = kdf<3>(key, input);
  EXPECT_EQ(hex(three[0].bytes), "93e2a65883e34ac95485f5d0aa4b09163a4e944dab8cf9406d3a138e362851c6");
  EXPECT_EQ(hex(three[1].bytes), "dd6fae42afdb2a41170f44dc5b885ec4cfd17c8dd324d38b390c548630dd0a83");
  EXPECT_EQ(hex(three[2].bytes), "4125e0adfa9b7e736615e99dde6f3f0b64b949d8b480e82cab2e685dc286e45d");
  EXPECT_EQ(kdf<1>(key, input)[0], three[0]);
  const auto two = kdf<2>(key, {});
  EXPECT_EQ(hex(two[0].bytes), "7a38c34bf2b8738d7374ca77c44ecb309a11d2b2528304fa86052c365e722624");
  EXPECT_EQ(hex(two[1].bytes), "1a17621f346abdc520746a9fb64d8eb03231d674fc15687537b0780fd9c060fd");
}

}  // namespace
}  // namespace isthmus::tunnel
