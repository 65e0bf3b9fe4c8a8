// What remapping costs: the look-up of a packet's two maps and the rewriting of both its addresses, for few mappings
// and for many; and what a mapping costs to publish and to keep.

#include <malloc.h>
#include <x86intrin.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/statistics.h"
#include "dataplane/pipeline/parse.h"
#include "dataplane/pipeline/route_to_peer.h"
#include "dataplane/pipeline/translate.h"
#include "test/support/memory_gateway.h"

namespace isthmus::bench {
namespace {

using namespace isthmus::test;

constexpr std::size_t kRuns = 31;
constexpr std::size_t kBurstsPerRun = 1000;
constexpr std::uint32_t kMapAddresses = 16;  // of each mapping, a /28

// The peer's mappings lie side by side: 10.128.0.0/9, seen as 100.64.0.0/10. Ours is one: 10.244.0.0/16
// as 10.99.0.0/16.
config::ValidatedConfig make_config(std::uint32_t mappings) {
  config::ValidatedConfig config;
  config.name = "near";
  config.listen_ports = {51820};
  config.pods = {prefix4("10.244.0.0/16")};
  config::PeerConfig peer;
  peer.name = "far";
  peer.mtu = 1420;
  for (std::uint32_t m = 0; m < mappings; ++m) {
    peer.remote.push_back(
        nat::make_prefix_map({{0x0a800000U + m * kMapAddresses}, 28}, {{0x64400000U + m * kMapAddresses}, 28}));
  }
  peer.local = {nat::make_prefix_map(prefix4("10.244.0.0/16"), prefix4("10.99.0.0/16"))};
  config.peers.push_back(peer);
  return config;
}

void rewriting(std::uint32_t flows, std::uint32_t mappings) {
  MemoryGateway gateway({.config = make_config(mappings)});
  gateway.add_session(0, ip4("192.0.2.2"), gateway.shared.sessions.reserve_index(1), 4711, 1, true);
  std::vector<Bytes> frames;
  for (std::uint32_t flow = 0; flow < flows; ++flow) {
    const std::uint32_t map = static_cast<std::uint32_t>(std::uint64_t{flow} * 7919 % mappings);
    frames.push_back(PacketBuilder()
                         .ethernet(kClusterMac, kPodMac)
                         .ipv4(Ipv4Address{0x0af40100U + flow % 60000}, {0x64400005U + map * kMapAddresses})
                         .udp(static_cast<std::uint16_t>(1024 + flow % 50000), 4000)
                         .payload_size(36)
                         .bytes());
  }
  std::vector<Packet> buffers(kBurst);
  for (Packet& buffer : buffers) gateway.pool.allocate(buffer);
  PacketBurst burst;
  std::vector<double> lookup;
  std::vector<double> translate;
  std::size_t next = 0;
  pipeline::Walker& w = gateway.walker;
  w.load(kStart + std::chrono::seconds(1));
  for (std::size_t run = 0; run <= kRuns; ++run) {
    std::uint64_t in_lookup = 0;
    std::uint64_t in_translate = 0;
    for (std::size_t i = 0; i < kBurstsPerRun; ++i) {
      burst.clear();
      for (const Packet& buffer : buffers) {
        const Bytes& frame = frames[next];
        next = next + 1 == frames.size() ? 0 : next + 1;
        Packet& packet = burst.add();
        packet = buffer;
        packet.resize(frame.size());
        std::ranges::copy(frame, packet.data);
      }
      pipeline::parse(*w.cluster, false, burst);
      const std::uint64_t begin = __rdtsc();
      pipeline::route_to_peer(*w.tables, w.shared.peers, w.flows, *w.cluster, w.replies, w.now, burst);
      const std::uint64_t between = __rdtsc();
      pipeline::translate(burst);
      in_translate += __rdtsc() - between;
      in_lookup += between - begin;
      for (const Packet& packet : burst.all()) {
        if (!packet.walks()) std::abort();
      }
    }
    if (run == 0) continue;  // warms up
    lookup.push_back(static_cast<double>(in_lookup) / (kBurstsPerRun * kBurst));
    translate.push_back(static_cast<double>(in_translate) / (kBurstsPerRun * kBurst));
  }
  for (Packet& buffer : buffers) gateway.pool.release(buffer);
  std::puts(boost::json::serialize(boost::json::object{{"name", "rewriting of both addresses"},
                                                       {"flows", flows},
                                                       {"mappings", mappings},
                                                       {"cycles_per_packet", median(translate)},
                                                       {"spread", spread(translate)},
                                                       {"cycles_of_route_to_peer", median(lookup)}})
                .c_str());
}

std::size_t heap_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

void publishing(std::uint32_t mappings) {
  const config::ValidatedConfig config = make_config(mappings);
  const PeerIndex place{0};
  pipeline::Published<pipeline::ForwardingTables> published;
  ImmediateReclaimer reclaimer;
  std::vector<double> milliseconds;
  const std::size_t before = heap_bytes();
  std::size_t bytes = 0;
  for (std::size_t run = 0; run < 11; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    published.publish(std::make_unique<pipeline::ForwardingTables>(config::compile(config, {&place, 1})), reclaimer);
    milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    bytes = heap_bytes() - before;
  }
  std::puts(boost::json::serialize(boost::json::object{{"name", "compile and publish"},
                                                       {"mappings", mappings},
                                                       {"milliseconds", median(milliseconds)},
                                                       {"spread_milliseconds", spread(milliseconds)},
                                                       {"bytes_a_mapping", bytes / mappings}})
                .c_str());
}

}  // namespace
}  // namespace isthmus::bench

int main() {
  isthmus::bench::rewriting(1, 1);
  isthmus::bench::rewriting(250, 250);
  isthmus::bench::rewriting(30'000, 100'000);
  for (const std::uint32_t mappings : {250U, 100'000U}) isthmus::bench::publishing(mappings);
}
