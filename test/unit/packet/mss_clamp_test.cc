#include "dataplane/packet/mss_clamp.h"

#include <gtest/gtest.h>

#include "test/support/packet_builder.h"

namespace isthmus {
namespace {

using test::Bytes;
using test::difference;
using test::PacketBuilder;

constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kSynAck = 0x12;

using Options = std::initializer_list<std::uint8_t>;

Bytes segment(std::uint8_t flags, Options options) {
  return PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").tcp(1000, 80, flags).tcp_option(options).payload("x").bytes();
}

// Clamped to an MTU of 1420: 1380 is 0x0564, 1460 is 0x05b4.
void expect_clamped(const Bytes& before, const Bytes& after) {
  test::BuiltPacket built(before, 0, 0);
  ASSERT_TRUE(parse_ipv4(built.packet()));
  clamp_mss(built.packet(), 1420);
  EXPECT_EQ(difference(after, built.packet()), "");
}

TEST(MssClamp, LowersSynAndSynAck) {
  for (const std::uint8_t flags : {kSyn, kSynAck}) {
    expect_clamped(segment(flags, {2, 4, 0x05, 0xb4}), segment(flags, {2, 4, 0x05, 0x64}));
  }
}

TEST(MssClamp, BehindOtherOptionsAtEvenAndOddPlaces) {
  expect_clamped(segment(kSyn, {4, 2, 2, 4, 0x05, 0xb4}), segment(kSyn, {4, 2, 2, 4, 0x05, 0x64}));
  expect_clamped(segment(kSyn, {1, 2, 4, 0x05, 0xb4}), segment(kSyn, {1, 2, 4, 0x05, 0x64}));
  expect_clamped(segment(kSyn, {3, 3, 7, 2, 4, 0xff, 0xff, 0}), segment(kSyn, {3, 3, 7, 2, 4, 0x05, 0x64, 0}));
}

TEST(MssClamp, LeavesAlone) {
  for (const Bytes& same : {
           segment(kSyn, {2, 4, 0x05, 0x64}),         // just fits
           segment(kSyn, {2, 4, 0x02, 0x18}),         // smaller
           segment(kSyn, {}),                         // no option is added
           segment(kSyn, {4, 2, 1, 1}),               // other options only
           segment(0x10, {2, 4, 0x05, 0xb4}),         // not a SYN
           segment(kSyn, {0, 2, 4, 0x05, 0xb4}),      // behind the end of the list
           segment(kSyn, {2, 3, 0x05, 0xb4}),         // wrong length
           segment(kSyn, {2, 0, 0x05, 0xb4}),         // zero length
           segment(kSyn, {8, 1, 2, 4, 0x05, 0xb4}),   // malformed before it
           segment(kSyn, {8, 99, 2, 4, 0x05, 0xb4}),  // an option that overruns
           segment(kSyn, {1, 1, 1, 2}),               // ends after the kind
           segment(kSyn, {1, 1, 2, 4}),               // ends inside the option
       }) {
    expect_clamped(same, same);
  }
}

TEST(MssClamp, OtherProtocolsAndFragmentsAreNotTcp) {
  const Bytes udp = PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").udp(1, 2).payload_size(40).bytes();
  expect_clamped(udp, udp);
  const Bytes later = PacketBuilder()
                          .ipv4("10.0.0.1", "10.0.0.2")
                          .fragment(64, false)
                          .protocol(6)
                          .payload(segment(kSyn, {2, 4, 5, 180}))
                          .bytes();
  expect_clamped(later, later);
}

TEST(MssClamp, IpOptionsMoveTheHeader) {
  const auto with = [](std::uint8_t low) {
    return PacketBuilder()
        .ipv4("10.0.0.1", "10.0.0.2")
        .ip_option({1, 1, 1, 1})
        .tcp(1, 2, kSyn)
        .tcp_option({2, 4, 0x05, low})
        .bytes();
  };
  expect_clamped(with(0xb4), with(0x64));
}

}  // namespace
}  // namespace isthmus
