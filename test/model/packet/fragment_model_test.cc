// Reassembling the pieces gives the original, however often they were cut and in whatever order they come.

#include <gtest/gtest.h>

#include <algorithm>

#include <memory>

#include "dataplane/packet/fragment.h"
#include "test/support/packet_builder.h"
#include "test/support/random.h"

namespace isthmus {
namespace {

using test::BuiltPacket;
using test::Bytes;
using test::HeapPool;
using test::PacketBuilder;
using test::Random;

// RFC 791's reassembly with a flag for every byte: no overlap, no hole.
class SlowReassembler {
 public:
  void add(const Packet& piece) {
    const auto& ip = *piece.header<Ipv4Header>();
    const std::size_t header = ip.header_length();
    const std::size_t offset = (ip.fragment & 0x1fffU) * 8U;
    for (std::size_t i = header; i < piece.length; ++i) {
      const std::size_t at = offset + i - header;
      if (at >= data_.size()) data_.resize(at + 1), seen_.resize(at + 1);
      EXPECT_FALSE(seen_[at]) << "byte " << at << " twice";
      seen_[at] = true;
      data_[at] = piece.data[i];
    }
    if (!(ip.fragment & 0x2000)) ends_.push_back(offset + piece.length - header);
  }
  // From `offset` on; the bytes before belong to fragments that the test never made.
  Bytes data_from(std::size_t offset) const {
    for (std::size_t at = offset; at < seen_.size(); ++at) EXPECT_TRUE(seen_[at]) << "hole at " << at;
    return {data_.begin() + static_cast<std::ptrdiff_t>(offset), data_.end()};
  }
  const std::vector<std::size_t>& ends() const { return ends_; }

 private:
  Bytes data_;
  std::vector<bool> seen_;
  std::vector<std::size_t> ends_;
};

// A well-formed list, with what of it belongs into every piece.
struct Options {
  Bytes all;
  Bytes copied;
};

Options random_options(Random& random) {
  Options options;
  while (random.one_in(2) && options.all.size() < 30) {
    if (random.one_in(3)) {
      options.all.push_back(1);
      continue;
    }
    Bytes option = random.bytes(random.between(2, 10));
    option[0] = static_cast<std::uint8_t>(random.between(2, 127) | (random.one_in(2) ? 0x80 : 0));
    option[1] = static_cast<std::uint8_t>(option.size());
    options.all.insert(options.all.end(), option.begin(), option.end());
    if (option[0] & 0x80) options.copied.insert(options.copied.end(), option.begin(), option.end());
  }
  options.copied.resize((options.copied.size() + 3) & ~std::size_t{3});
  return options;
}

void expect_well_formed(const Packet& piece, const Packet& original, const Options& options, std::size_t mtu) {
  BuiltPacket again(test::bytes_of(piece), 0, 0);
  ASSERT_TRUE(parse_ipv4(again.packet())) << "header checksum or lengths";
  EXPECT_LE(piece.length, mtu);
  EXPECT_EQ(piece.l4_offset, again.packet().l4_offset);
  EXPECT_EQ(piece.has_l4, again.packet().has_l4);
  EXPECT_TRUE(piece.is_fragment);
  const auto& ip = *piece.header<Ipv4Header>();
  const auto& before = *original.header<Ipv4Header>();
  EXPECT_EQ(ip.tos, before.tos);
  EXPECT_EQ(ip.identification, before.identification);
  EXPECT_EQ(ip.ttl, before.ttl);
  EXPECT_EQ(ip.protocol, before.protocol);
  EXPECT_EQ(ip.source, before.source);
  EXPECT_EQ(ip.destination, before.destination);
  if (ip.fragment & 0x2000) {
    EXPECT_EQ((piece.length - piece.l4_offset) % 8, 0U);
  }
  const bool first = (ip.fragment & 0x1fff) == (before.fragment & 0x1fff);
  if (!first) {
    EXPECT_EQ(Bytes(piece.data + 20, piece.data + piece.l4_offset), options.copied);
  }
}

class FragmentModel : public testing::Test {
 protected:
  ~FragmentModel() override { EXPECT_EQ(pool_.outstanding(), 0U); }

  void round() {
    const Options options = random_options(random_);
    const bool later = random_.one_in(3);
    const bool more = random_.one_in(3);
    const std::size_t offset = later ? 8 * random_.between(1, 3000) : 0;
    const std::size_t size = random_.between(100, 3000) & ~std::size_t{more ? 7U : 0U};
    const Bytes data = random_.bytes(size);
    BuiltPacket original = PacketBuilder()
                               .ipv4(Ipv4Address{random_.word()}, Ipv4Address{random_.word()})
                               .ip_option(options.all)
                               .fragment(offset, more)
                               .protocol(47)
                               .payload(data)
                               .build_parsed(0, 0);
    const BuiltPacket kept(original.bytes());

    burst_->clear();
    Packet& packet = burst_->add();
    packet = original.packet();
    cut(packet, kept.packet(), options, random_.between(100, packet.length - 1));
    // And once more, as a narrower link on the way would.
    const auto narrow = static_cast<std::uint16_t>(random_.between(68, 200));
    const std::size_t pieces = burst_->size();
    for (std::size_t i = 0; i < pieces; ++i) {
      if ((*burst_)[i].length > narrow) cut((*burst_)[i], kept.packet(), options, narrow);
    }

    std::shuffle(burst_->all().begin(), burst_->all().end(), random_.engine());
    SlowReassembler reassembler;
    for (Packet& piece : burst_->all()) {
      reassembler.add(piece);
      if (piece.buffer) pool_.release(piece);
    }
    EXPECT_EQ(reassembler.data_from(offset), data);
    EXPECT_EQ(reassembler.ends(), more ? std::vector<std::size_t>{} : std::vector<std::size_t>{offset + size});
  }

 private:
  void cut(Packet& packet, const Packet& original, const Options& options, std::size_t mtu) {
    const std::size_t before = burst_->size();
    if (!fragment_ipv4(packet, static_cast<std::uint16_t>(mtu), *burst_, pool_)) {
      EXPECT_EQ(burst_->size(), before);  // too many pieces for one burst
      return;
    }
    expect_well_formed(packet, original, options, mtu);
    for (const Packet& piece : burst_->all().subspan(before)) expect_well_formed(piece, original, options, mtu);
  }

  Random random_;
  HeapPool pool_;
  std::unique_ptr<PacketBurst> burst_ = std::make_unique<PacketBurst>();
};

TEST_F(FragmentModel, ReassemblyIsTheInverse) {
  for (int i = 0; i < 1500 && !HasFailure(); ++i) round();
}

}  // namespace
}  // namespace isthmus
