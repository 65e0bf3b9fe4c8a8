#pragma once
// Packets for tests, said as a sentence:
//
//   BuiltPacket built = PacketBuilder().ipv4("10.244.1.5", "10.71.2.7").udp(1000, 53).payload("hello").build();
//   Packet& packet = built.packet();
//   EXPECT_EQ(difference(expected.packet(), packet), "");
//
// Lengths and checksums are filled in. Whoever wants a broken packet breaks the bytes after build().

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/packet/address.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/parse.h"
#include "test/support/slow_checksum.h"

namespace isthmus::test {

using Bytes = std::vector<std::uint8_t>;

// Addresses by their text; a test's typing error ends the test.
inline Ipv4Address ip4(std::string_view text) { return parse_ipv4(text).value(); }
inline Ipv6Address ip6(std::string_view text) { return parse_ipv6(text).value(); }
inline Ipv4Prefix prefix4(std::string_view text) { return std::get<Ipv4Prefix>(parse_ipv4_prefix(text)); }
inline MacAddress mac(std::string_view text) { return parse_mac(text).value(); }

// Counting bytes from 0: data in which every displacement shows.
inline Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return bytes;
}

inline Bytes bytes_of(const Packet& packet) { return {packet.data, packet.data + packet.length}; }

// Owns the bytes of one packet. With little or no tailroom a sanitizer sees every read beyond the end.
class BuiltPacket {
 public:
  explicit BuiltPacket(std::span<const std::uint8_t> bytes, std::uint16_t headroom = 128, std::uint16_t tailroom = 128)
      : memory_(headroom + bytes.size() + tailroom, 0xee) {
    std::ranges::copy(bytes, memory_.begin() + headroom);
    memory_.shrink_to_fit();
    packet_.data = memory_.data() + headroom;
    packet_.length = static_cast<std::uint32_t>(bytes.size());
    packet_.headroom = headroom;
    packet_.tailroom = tailroom;
  }
  BuiltPacket(BuiltPacket&&) = default;
  BuiltPacket& operator=(BuiltPacket&&) = default;

  Packet& packet() { return packet_; }
  const Packet& packet() const { return packet_; }
  Bytes bytes() const { return bytes_of(packet_); }

 private:
  Bytes memory_;
  Packet packet_;
};

class PacketBuilder {
 public:
  PacketBuilder& ethernet(const MacAddress& destination, const MacAddress& source) {
    ethernet_ = EthernetHeader{destination, source, static_cast<std::uint16_t>(EtherType::kIpv4)};
    return *this;
  }
  PacketBuilder& ethernet(std::string_view destination = "02:00:00:00:00:02",
                          std::string_view source = "02:00:00:00:00:01") {
    return ethernet(mac(destination), mac(source));
  }
  PacketBuilder& ipv4(Ipv4Address source, Ipv4Address destination) {
    ip_.source = source.value;
    ip_.destination = destination.value;
    return *this;
  }
  PacketBuilder& ipv4(std::string_view source, std::string_view destination) {
    return ipv4(ip4(source), ip4(destination));
  }
  PacketBuilder& ttl(std::uint8_t ttl) { return ip_.ttl = ttl, *this; }
  PacketBuilder& tos(std::uint8_t tos) { return ip_.tos = tos, *this; }
  PacketBuilder& identification(std::uint16_t id) { return ip_.identification = id, *this; }
  PacketBuilder& dont_fragment() { return ip_.fragment = ip_.fragment | Ipv4Header::kDontFragment, *this; }
  // `offset` in bytes, a multiple of 8.
  PacketBuilder& fragment(std::size_t offset, bool more_follow) {
    assert(offset % 8 == 0);
    ip_.fragment = static_cast<std::uint16_t>(offset / 8 | (more_follow ? Ipv4Header::kMoreFragments : 0));
    return *this;
  }
  // One IP option after the other; the list is padded to a multiple of 4 at the end.
  PacketBuilder& ip_option(std::span<const std::uint8_t> option) { return append(ip_options_, option); }
  PacketBuilder& ip_option(std::initializer_list<std::uint8_t> option) { return append(ip_options_, Bytes(option)); }

  PacketBuilder& udp(std::uint16_t source_port, std::uint16_t destination_port) {
    udp_ = UdpHeader{source_port, destination_port, {}, {}};
    return protocol(static_cast<std::uint8_t>(IpProtocol::kUdp));
  }
  PacketBuilder& without_udp_checksum() { return udp_checksum_ = false, *this; }
  PacketBuilder& tcp(std::uint16_t source_port, std::uint16_t destination_port, std::uint8_t flags = 0x10) {
    tcp_ = TcpHeader{source_port, destination_port, 0x01020304, 0x05060708, 0, flags, 0x2000, {}, {}};
    return protocol(static_cast<std::uint8_t>(IpProtocol::kTcp));
  }
  PacketBuilder& tcp_option(std::initializer_list<std::uint8_t> option) { return append(tcp_options_, Bytes(option)); }
  PacketBuilder& icmp(std::uint8_t type, std::uint8_t code, std::uint32_t rest = 0) {
    icmp_ = IcmpHeader{type, code, {}, rest};
    return protocol(static_cast<std::uint8_t>(IpProtocol::kIcmp));
  }
  PacketBuilder& echo_request(std::uint16_t identifier, std::uint16_t sequence) {
    return icmp(IcmpHeader::kEchoRequest, 0, std::uint32_t{identifier} << 16 | sequence);
  }
  PacketBuilder& echo_reply(std::uint16_t identifier, std::uint16_t sequence) {
    return icmp(IcmpHeader::kEchoReply, 0, std::uint32_t{identifier} << 16 | sequence);
  }
  // No L4 header: for other protocols and for later fragments.
  PacketBuilder& protocol(std::uint8_t protocol) { return ip_.protocol = protocol, *this; }

  PacketBuilder& payload(std::span<const std::uint8_t> bytes) { return append(payload_, bytes); }
  PacketBuilder& payload(std::string_view text) { return append(payload_, Bytes(text.begin(), text.end())); }
  PacketBuilder& payload_size(std::size_t size) { return append(payload_, pattern(size)); }
  // Bytes after the end of the IP packet, as Ethernet pads short frames.
  PacketBuilder& trailer(std::size_t size) { return trailer_.assign(size, 0xcc), *this; }

  Bytes bytes() const {
    Bytes l4 = l4_bytes();
    Bytes ip = padded(ip_options_);
    Ipv4Header header = ip_;
    header.version_ihl = static_cast<std::uint8_t>(0x40 | (sizeof header + ip.size()) / 4);
    header.total_length = static_cast<std::uint16_t>(sizeof header + ip.size() + l4.size());
    prepend(ip, header);
    put_checksum(ip, 10, slow_checksum(ip));
    if (tcp_) put_checksum(l4, 16, slow_l4_checksum(ip, l4));
    if (icmp_) put_checksum(l4, 2, slow_checksum(l4));
    if (udp_ && udp_checksum_) {
      const std::uint16_t checksum = slow_l4_checksum(ip, l4);
      put_checksum(l4, 6, checksum == 0 ? 0xffff : checksum);
    }
    if (ethernet_) prepend(ip, *ethernet_);
    ip.insert(ip.end(), l4.begin(), l4.end());
    ip.insert(ip.end(), trailer_.begin(), trailer_.end());
    return ip;
  }

  BuiltPacket build(std::uint16_t headroom = 128, std::uint16_t tailroom = 128) const {
    return BuiltPacket(bytes(), headroom, tailroom);
  }
  // After parse_ipv4, which must like it; without an Ethernet header.
  BuiltPacket build_parsed(std::uint16_t headroom = 128, std::uint16_t tailroom = 128) const {
    BuiltPacket built = build(headroom, tailroom);
    if (!parse_ipv4(built.packet())) std::abort();
    return built;
  }
  // The same in a buffer of a pool; the pool must have one, and the packet must fit.
  Packet build_in(BufferPool& pool) const {
    Packet packet;
    if (!pool.allocate(packet)) std::abort();
    const Bytes all = bytes();
    packet.resize(all.size());
    std::ranges::copy(all, packet.data);
    return packet;
  }

 private:
  PacketBuilder& append(Bytes& to, std::span<const std::uint8_t> bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
    return *this;
  }
  template <typename Header>
  static void prepend(Bytes& to, const Header& header) {
    const auto* first = reinterpret_cast<const std::uint8_t*>(&header);
    to.insert(to.begin(), first, first + sizeof header);
  }
  static Bytes padded(Bytes options) {
    options.resize((options.size() + 3) & ~std::size_t{3});
    return options;
  }
  static void put_checksum(Bytes& bytes, std::size_t offset, std::uint16_t checksum) {
    bytes[offset] = static_cast<std::uint8_t>(checksum >> 8);
    bytes[offset + 1] = static_cast<std::uint8_t>(checksum & 0xff);
  }
  Bytes l4_bytes() const {
    Bytes l4 = payload_;
    if (tcp_) {
      Bytes options = padded(tcp_options_);
      l4.insert(l4.begin(), options.begin(), options.end());
      TcpHeader header = *tcp_;
      header.data_offset = static_cast<std::uint8_t>((sizeof header + options.size()) / 4 << 4);
      prepend(l4, header);
    }
    if (udp_) {
      UdpHeader header = *udp_;
      header.length = static_cast<std::uint16_t>(sizeof header + l4.size());
      prepend(l4, header);
    }
    if (icmp_) prepend(l4, *icmp_);
    return l4;
  }

  std::optional<EthernetHeader> ethernet_;
  Ipv4Header ip_{0x45, 0, {}, 0x1234, {}, 64, 255, {}, 0x0a000001, 0x0a000002};
  Bytes ip_options_;
  std::optional<UdpHeader> udp_;
  bool udp_checksum_ = true;
  std::optional<TcpHeader> tcp_;
  Bytes tcp_options_;
  std::optional<IcmpHeader> icmp_;
  Bytes payload_;
  Bytes trailer_;
};

// Buffers from the heap, each an allocation of its own so that a sanitizer sees reads across their ends. `limit` bounds
// how many can be out at a time.
class HeapPool final : public BufferPool {
 public:
  static constexpr std::size_t kBufferSize = 2048;

  explicit HeapPool(std::size_t limit = ~std::size_t{0}) : limit_(limit) {}

  bool allocate(Packet& packet) override {
    if (outstanding_ == limit_) return false;
    ++outstanding_;
    packet = Packet{};
    packet.buffer = new std::uint8_t[kBufferSize];
    packet.data = static_cast<std::uint8_t*>(packet.buffer) + kHeadroom;
    packet.headroom = kHeadroom;
    packet.tailroom = kBufferSize - kHeadroom;
    return true;
  }
  void release(Packet& packet) override {
    assert(packet.buffer != nullptr && outstanding_ > 0);
    delete[] static_cast<std::uint8_t*>(packet.buffer);
    packet.buffer = nullptr;
    --outstanding_;
  }
  std::size_t outstanding() const { return outstanding_; }

 private:
  std::size_t limit_;
  std::size_t outstanding_ = 0;
};

// Sixteen bytes a line.
inline std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  char cell[32];
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 16 == 0) {
      std::snprintf(cell, sizeof cell, "%s    %04zx ", i == 0 ? "" : "\n", i);
      text += cell;
    }
    std::snprintf(cell, sizeof cell, " %02x", bytes[i]);
    text += cell;
  }
  return text;
}

// The IPv4 packet at `packet.data`, as fields and as bytes.
inline std::string describe_packet(const Packet& packet) {
  char line[256];
  std::string text = std::to_string(packet.length) + " bytes";
  if (packet.length >= sizeof(Ipv4Header)) {
    const auto& ip = *packet.header<Ipv4Header>();
    std::snprintf(line, sizeof line,
                  ", ip: %s > %s ihl %u length %u id %04x fragment %04x ttl %u protocol %u checksum %04x",
                  to_string(Ipv4Address{ip.source}).c_str(), to_string(Ipv4Address{ip.destination}).c_str(),
                  ip.header_length(), ip.total_length + 0U, ip.identification + 0U, ip.fragment + 0U, ip.ttl + 0U,
                  ip.protocol + 0U, ip.checksum + 0U);
    text += line;
  }
  std::snprintf(line, sizeof line, "\n    drop %u punt %u protocol %u l4_offset %u has_l4 %d is_fragment %d df %d\n",
                static_cast<unsigned>(packet.drop), static_cast<unsigned>(packet.punt), packet.protocol + 0U,
                packet.l4_offset + 0U, packet.has_l4, packet.is_fragment, packet.dont_fragment);
  return text + line + hex({packet.data, packet.length});
}

// Empty when both packets have the same bytes; otherwise both of them and the first place where they differ.
inline std::string difference(const Packet& expected, const Packet& actual) {
  const Bytes left = bytes_of(expected);
  const Bytes right = bytes_of(actual);
  if (left == right) return "";
  const auto at = std::mismatch(left.begin(), left.end(), right.begin(), right.end()).first - left.begin();
  return "first difference at byte " + std::to_string(at) + "\n  expected: " + describe_packet(expected) +
         "\n  actual:   " + describe_packet(actual) + "\n";
}
inline std::string difference(const Bytes& expected, const Packet& actual) {
  return difference(BuiltPacket(expected).packet(), actual);
}

}  // namespace isthmus::test
