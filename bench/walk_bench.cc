// Cycles a packet and stage of both walks: TSC cycles from after receive to before transmit, cryptography included.
// Two gateways in memory; what one seals the other opens. See bench/README.md.

#include <x86intrin.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <numeric>
#include <utility>

#include "bench/statistics.h"
#include "test/support/memory_gateway.h"

namespace isthmus::bench {
namespace {

using namespace isthmus::test;

constexpr std::size_t kRuns = 31;
constexpr std::size_t kBurstsPerRun = 200;

struct Case {
  std::size_t bytes = 64;  // of the inner packet
  std::uint32_t peers = 1;
  std::uint32_t configured = 0;  // peers that say nothing come on top, up to this number
  std::uint32_t mappings = 1;    // per peer
  std::size_t burst = kBurst;
  tunnel::AeadChoice aead = tunnel::AeadChoice::kAuto;
};

// Peer i is seen as prefixes of 100.64.0.0/10 and has 10.128.0.0/9; both sides translate both addresses.
config::ValidatedConfig make_config(const Case& c, bool near_side) {
  config::ValidatedConfig config;
  config.name = near_side ? "near" : "far";
  config.listen_ports = {51820};
  config.pods = {prefix4("10.244.0.0/16")};
  for (std::uint32_t p = 0; p < std::max(c.peers, c.configured); ++p) {
    config::PeerConfig peer;
    peer.name = "peer" + std::to_string(p);
    peer.mtu = 1420;
    for (std::uint32_t m = 0; m < c.mappings; ++m) {
      const std::uint32_t number = p * c.mappings + m;
      const Ipv4Prefix real{{0x0a800000U + (m << 8)}, 24};          // 10.128.m.0/24, the same for every peer
      const Ipv4Prefix seen_as{{0x64400000U + (number << 8)}, 24};  // 100.64.0.0/10, its own for every peer
      if (near_side) {
        peer.remote.push_back(nat::make_prefix_map(real, seen_as));
      } else {
        peer.local.push_back(nat::make_prefix_map(prefix4("10.244.1.0/24"), real));
      }
    }
    if (near_side) {
      peer.local = {nat::make_prefix_map(prefix4("10.244.0.0/16"), prefix4("10.99.0.0/16"))};
    } else {
      peer.remote = {nat::make_prefix_map({{0x0a630000}, 16}, {{0xc6120000U}, 16})};  // seen as 198.18.0.0/16
    }
    config.peers.push_back(peer);
  }
  return config;
}

// Times of one walk.
struct Measure {
  explicit Measure(std::span<const pipeline::Stage> walk) : stages(walk), by_stage(walk.size()) {}

  std::span<const pipeline::Stage> stages;
  std::vector<std::vector<double>> by_stage;  // [stage][run], cycles a packet
  std::vector<double> total;

  void print(const char* name, const Case& c, std::string_view aead) const {
    boost::json::object per_stage;
    for (std::size_t i = 0; i < stages.size(); ++i) per_stage[stages[i].name] = median(by_stage[i]);
    const boost::json::object line{{"name", name},
                                   {"bytes", c.bytes},
                                   {"peers", c.peers},
                                   {"configured", std::max(c.peers, c.configured)},
                                   {"mappings", c.mappings},
                                   {"burst", c.burst},
                                   {"aead", aead},
                                   {"cycles_per_packet", median(total)},
                                   {"spread", spread(total)},
                                   {"stages", per_stage}};
    std::puts(boost::json::serialize(line).c_str());
  }
};

class Bench {
 public:
  explicit Bench(const Case& c)
      : case_(c),
        near_({.config = make_config(c, true), .aead = c.aead}),
        far_({.underlay_address = "192.0.2.2", .config = make_config(c, false), .aead = c.aead}) {
    for (std::uint32_t p = 0; p < c.peers; ++p) {
      const std::uint32_t near_index = near_.shared.sessions.reserve_index(p);
      const std::uint32_t far_index = far_.shared.sessions.reserve_index(p);
      near_.add_session(p, far_.own, near_index, far_index, static_cast<std::uint8_t>(p + 1), true);
      far_.add_session(p, near_.own, far_index, near_index, static_cast<std::uint8_t>(p + 1), false);
    }
    // Every peer and mapping has its turn before the first comes again.
    const std::size_t flows = std::max<std::size_t>(c.burst, std::size_t{c.peers} * c.mappings);
    for (std::size_t i = 0; i < flows; ++i) {
      const auto number = static_cast<std::uint32_t>(i * 7919 % (c.peers * c.mappings));
      templates_.push_back(PacketBuilder()
                               .ethernet(kClusterMac, kPodMac)
                               .ipv4(ip4("10.244.1.5"), {0x64400005U + (number << 8)})
                               .udp(static_cast<std::uint16_t>(1024 + i % 64), 4000)
                               .payload_size(c.bytes - 28)
                               .bytes());
    }
    for (std::size_t i = 0; i < c.burst; ++i) {
      Packet packet;
      near_.pool.allocate(packet);
      buffers_.push_back(packet);
    }
  }

  void run() {
    Measure out(pipeline::outbound());
    Measure in(pipeline::inbound());
    std::vector<double> ignored_out(out.stages.size());
    std::vector<double> ignored_in(in.stages.size());
    for (std::size_t i = 0; i < 20; ++i) once(ignored_out, ignored_in);
    for (std::size_t r = 0; r < kRuns; ++r) {
      std::vector<double> out_cycles(out.stages.size());
      std::vector<double> in_cycles(in.stages.size());
      for (std::size_t i = 0; i < kBurstsPerRun; ++i) once(out_cycles, in_cycles);
      collect(out_cycles, out);
      collect(in_cycles, in);
    }
    out.print("outbound", case_, near_.walker.aead->name());
    in.print("inbound", case_, far_.walker.aead->name());
  }

 private:
  // One burst out of one gateway and into the other.
  void once(std::vector<double>& out, std::vector<double>& in) {
    burst_.clear();
    for (std::size_t i = 0; i < case_.burst; ++i) {
      Packet& packet = burst_.add();
      packet = buffers_[i];
      const Bytes& frame = templates_[next_];
      next_ = next_ + 1 == templates_.size() ? 0 : next_ + 1;
      packet.resize(frame.size());
      std::ranges::copy(frame, packet.data);
    }
    walk(near_.walker, pipeline::outbound(), out);
    for (Packet& packet : burst_.all()) {
      const Packet frame = std::exchange(packet, Packet{});
      packet.data = frame.data;
      packet.length = frame.length;
      packet.headroom = frame.headroom;
      packet.tailroom = frame.tailroom;
    }
    walk(far_.walker, pipeline::inbound(), in);
  }

  void walk(pipeline::Walker& walker, std::span<const pipeline::Stage> stages, std::vector<double>& cycles) {
    walker.load(kStart + std::chrono::seconds(1));
    for (std::size_t i = 0; i < stages.size(); ++i) {
      const std::uint64_t begin = __rdtsc();
      stages[i].run(walker, burst_);
      cycles[i] += static_cast<double>(__rdtsc() - begin);
    }
    // A benchmark of packets that died would be fast.
    for (const Packet& packet : burst_.all()) {
      if (packet.walks()) continue;
      std::fprintf(stderr, "walk_bench: a packet died: %s\n", describe(packet.drop).name.data());
      std::exit(1);
    }
  }

  void collect(const std::vector<double>& cycles, Measure& measure) const {
    const double packets = static_cast<double>(case_.burst * kBurstsPerRun);
    for (std::size_t i = 0; i < cycles.size(); ++i) measure.by_stage[i].push_back(cycles[i] / packets);
    measure.total.push_back(std::reduce(cycles.begin(), cycles.end()) / packets);
  }

  const Case case_;
  MemoryGateway near_;
  MemoryGateway far_;
  std::vector<Bytes> templates_;
  std::vector<Packet> buffers_;
  PacketBurst burst_;
  std::size_t next_ = 0;
};

}  // namespace
}  // namespace isthmus::bench

int main() {
  using isthmus::bench::Bench;
  for (const std::size_t bytes : {64, 512, 1420}) Bench({.bytes = bytes}).run();
  for (const auto aead : {isthmus::tunnel::AeadChoice::kAvx2, isthmus::tunnel::AeadChoice::kPortable}) {
    if (!isthmus::tunnel::cpu_runs(aead)) continue;
    for (const std::size_t bytes : {64, 512, 1420}) Bench({.bytes = bytes, .aead = aead}).run();
  }
  Bench({.bytes = 64, .peers = 100}).run();
  Bench({.bytes = 64, .peers = 1000}).run();
  Bench({.bytes = 64, .peers = 1000, .configured = 4000}).run();
  Bench({.bytes = 64, .peers = 1, .mappings = 250}).run();
  Bench({.bytes = 64, .burst = 8}).run();
}
