#pragma once
// Messages on a byte stream: four bytes of big-endian length, then that many bytes of text (api.h).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace isthmus::config {

inline constexpr std::size_t kFrameHeaderSize = 4;
using FrameHeader = std::array<std::uint8_t, kFrameHeaderSize>;

// A receiver takes a message in pieces of this size, so that a header that lies about its length costs no memory.
inline constexpr std::size_t kFramePiece = 64U << 10;

// text is at most kMaxMessage long.
std::string frame(std::string_view text);

// How many bytes follow; nothing when that is more than kMaxMessage and the connection has to be closed.
std::optional<std::uint32_t> frame_length(const FrameHeader& header);

}  // namespace isthmus::config
