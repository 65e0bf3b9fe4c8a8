#include "dataplane/config/framing.h"

#include <bit>
#include <cassert>

#include "dataplane/config/api.h"
#include "dataplane/packet/byte_order.h"

namespace isthmus::config {

std::string frame(std::string_view text) {
  assert(text.size() <= kMaxMessage);
  const FrameHeader header = std::bit_cast<FrameHeader>(Big32(static_cast<std::uint32_t>(text.size())));
  std::string framed;
  framed.reserve(kFrameHeaderSize + text.size());
  framed.append(header.begin(), header.end());
  framed.append(text);
  return framed;
}

std::optional<std::uint32_t> frame_length(const FrameHeader& header) {
  const std::uint32_t length = std::bit_cast<Big32>(header);
  if (length > kMaxMessage) return std::nullopt;
  return length;
}

}  // namespace isthmus::config
