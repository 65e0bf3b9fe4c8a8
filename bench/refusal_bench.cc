// Cycles that a worker spends on a handshake message before anything is queued: what a flood costs. See
// bench/README.md.

#include <x86intrin.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "dataplane/pipeline/admit.h"
#include "dataplane/pipeline/decapsulate.h"
#include "test/support/walk_world.h"

namespace isthmus::bench {
namespace {

using namespace isthmus::test;

constexpr std::size_t kRuns = 31;
constexpr std::size_t kBurstsPerRun = 200;

struct Case {
  const char* what;
  DropReason dies_of;
  tunnel::PublicKey receiver;
  bool loaded = false;
};

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

class Bench {
 public:
  explicit Bench(const Case& c) : case_(c) {
    for (std::uint32_t i = 0; i < kBurst; ++i) {
      const auto frame = PacketBuilder()
                             .ethernet(kUnderlayMac, kUnderlayMac)
                             .ipv4({0x0b000000U + i}, ip4("192.0.2.1"))
                             .udp(4000, 51820);
      frames_.push_back(WalkWorld::initiation(c.receiver, frame));
      world_.near.pool.allocate(buffers_.emplace_back());
    }
  }

  void run() {
    for (std::size_t i = 0; i < 20; ++i) once();
    std::vector<double> cycles;
    for (std::size_t r = 0; r < kRuns; ++r) {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < kBurstsPerRun; ++i) sum += once();
      cycles.push_back(static_cast<double>(sum) / (kBurstsPerRun * kBurst));
    }
    const double middle = median(cycles);
    std::vector<double> deviations;
    for (const double value : cycles) deviations.push_back(std::abs(value - middle));
    const boost::json::object line{
        {"name", "refusal"}, {"what", case_.what}, {"cycles_per_packet", middle}, {"spread", median(deviations)}};
    std::puts(boost::json::serialize(line).c_str());
  }

 private:
  std::uint64_t once() {
    pipeline::Walker& walker = world_.near.walker;
    walker.load(now_);
    if (case_.loaded) walker.gate.under_load(now_);
    burst_.clear();
    for (std::size_t i = 0; i < kBurst; ++i) {
      Packet& packet = burst_.add();
      packet = buffers_[i];
      packet.resize(frames_[i].size());
      std::ranges::copy(frames_[i], packet.data);
    }
    const std::uint64_t begin = __rdtsc();
    pipeline::decapsulate(*walker.tables, *walker.underlay, false, walker.shared.sessions, burst_);
    pipeline::admit(*walker.gate_keys, walker.gate, walker.shared.sessions, walker.mailbox, walker.pool, walker.cookies,
                    walker.now, burst_);
    const std::uint64_t cycles = __rdtsc() - begin;
    for (const Packet& packet : burst_.all()) {
      if (packet.drop == case_.dies_of) continue;
      std::fprintf(stderr, "refusal_bench: died of %s\n", describe(packet.drop).name.data());
      std::exit(1);
    }
    for (Packet& cookie : walker.cookies.all()) walker.pool.release(cookie);
    walker.cookies.clear();
    return cycles;
  }

  const Case case_;
  WalkWorld world_;
  const Instant now_ = kStart + std::chrono::seconds(1);
  std::vector<Bytes> frames_;
  std::vector<Packet> buffers_;
  PacketBurst burst_;
};

}  // namespace
}  // namespace isthmus::bench

int main() {
  using isthmus::DropReason;
  using isthmus::bench::Bench;
  Bench({"wrong mac1", DropReason::kHandshakeMac1Wrong, {}}).run();
  Bench({"answered with a cookie", DropReason::kHandshakeUnproven, isthmus::test::MemoryGateway::kPublicKey, true})
      .run();
}
