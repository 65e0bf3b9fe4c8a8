#pragma once
// BLAKE2s (RFC 7693). Our own: a handshake hashes forty short inputs, and a worker one for every handshake message that
// anybody in the world sends. A library's context for each costs more than the hash, and allocates.

#include <array>
#include <cstdint>
#include <span>

namespace isthmus::tunnel {

class Blake2s {
 public:
  static constexpr std::size_t kBlock = 64;
  static constexpr std::size_t kMaxOutput = 32;

  // `output`: bytes of the result, 1 to 32. `key`: at most 32 bytes; none: a plain hash.
  explicit Blake2s(std::size_t output = kMaxOutput, std::span<const std::uint8_t> key = {});
  Blake2s(const Blake2s&) = default;
  Blake2s& operator=(const Blake2s&) = default;
  ~Blake2s();
  bool operator==(const Blake2s& other) const;  // constant time

  void update(std::span<const std::uint8_t> input);
  // Compresses a full block that waits. Only where more input is sure to follow: then it is done once for all copies.
  void absorb();
  // As many bytes as were asked for. Nothing may follow.
  void finish(std::span<std::uint8_t> output);

 private:
  void compress_block();

  std::array<std::uint32_t, 8> state_;
  std::uint64_t counted_ = 0;  // bytes compressed
  std::array<std::uint8_t, kBlock> block_{};
  std::size_t filled_ = 0;  // of block_: the last block, even a full one, waits for finish
};

}  // namespace isthmus::tunnel
