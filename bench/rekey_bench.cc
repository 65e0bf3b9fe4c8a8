// Whether forwarding feels it when a thousand peers renew their sessions at once. One thread forwards, packet by packet
// to another peer, and notes how long each burst takes; on the other CPU the tunnel agrees on a thousand sessions, both
// ends of them, as fast as it can. Compared is the 99.9th percentile with and without, in turn.

#include <pthread.h>
#include <x86intrin.h>

#include <atomic>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "bench/statistics.h"
#include "bench/tunnel_pair.h"
#include "test/support/memory_gateway.h"

namespace isthmus::bench {
namespace {

using namespace isthmus::test;

constexpr std::uint32_t kPeers = 1000;
constexpr std::size_t kRounds = 15;
constexpr std::size_t kQuietBursts = 20000;

void use_cpu(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu % std::max(1U, std::thread::hardware_concurrency()), &set);
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

config::ValidatedConfig make_config() {
  config::ValidatedConfig config;
  config.name = "near";
  config.listen_ports = {51820};
  config.pods = {prefix4("10.244.0.0/16")};
  for (std::uint32_t p = 0; p < kPeers; ++p) {
    config::PeerConfig peer;
    peer.name = "peer" + std::to_string(p);
    peer.mtu = 1420;
    peer.remote = {nat::make_prefix_map({{0x0a800000U}, 24}, {{0x64400000U + (p << 8)}, 24})};
    peer.local = {nat::make_prefix_map(prefix4("10.244.0.0/16"), prefix4("10.99.0.0/16"))};
    config.peers.push_back(peer);
  }
  return config;
}

class Bench {
 public:
  Bench() : gateway_({.config = make_config()}), near_(1, gateway_.shared.sessions) {
    for (std::uint32_t p = 0; p < kPeers; ++p) {
      tables_.push_back(std::make_unique<tunnel::SessionTable>(16));
      links_.push_back(std::make_unique<tunnel::PeerLink>());
      far_.push_back(std::make_unique<CarriedTunnel>(100 + p, *tables_.back()));
      far_.back()->add(PeerIndex{0}, near_.tunnel.public_key(), *links_.back(), now_);
      near_.add(PeerIndex{p}, far_.back()->tunnel.public_key(), link(p), now_);
      gateway_.shared.peers[p]->lane(0).outer = new pipeline::OuterHeader({.source_mac = kUnderlayMac,
                                                                           .next_hop_mac = kUnderlayMac,
                                                                           .source = gateway_.own,
                                                                           .source_port = 51820,
                                                                           .destination = {ip4("192.0.2.2"), 51820}});
    }
    for (std::uint32_t p = 0; p < kPeers; ++p) near_.tunnel.want_session({PeerIndex{p}, 0}, now_);
    answer_all();
  }

  void run() {
    std::vector<double> quiet;
    std::vector<double> rekeying;
    for (std::size_t round = 0; round < kRounds; ++round) {
      quiet.push_back(quantile(forward([n = kQuietBursts]() mutable { return n-- != 0; }), 0.999));
      std::atomic<bool> busy{true};
      pass(now_, std::chrono::seconds(6));
      std::thread service([&] {
        use_cpu(0);
        rekey_all();
        busy = false;
      });
      rekeying.push_back(quantile(forward([&] { return busy.load(std::memory_order_relaxed); }), 0.999));
      service.join();
      near_.retired.clear();
    }
    std::vector<double> ratios;
    for (std::size_t i = 0; i < quiet.size(); ++i) ratios.push_back(rekeying[i] / quiet[i]);
    std::puts(boost::json::serialize(boost::json::object{{"name", "rekey"},
                                                         {"peers", kPeers},
                                                         {"percentile", 99.9},
                                                         {"burst", kBurst},
                                                         {"cycles_per_packet", median(rekeying) / kBurst},
                                                         {"spread", spread(rekeying) / kBurst},
                                                         {"ratio", median(ratios)},
                                                         {"ratio_spread", spread(ratios)},
                                                         {"reference", {{"without rekeys", median(quiet) / kBurst}}}})
                  .c_str());
  }

 private:
  tunnel::PeerLink& link(std::uint32_t p) { return gateway_.shared.peers[p]->lane(0).link; }

  void rekey_all() {
    for (std::uint32_t p = 0; p < kPeers; ++p) link(p).sending.load()->reserve_nonces(tunnel::kRekeyAfterMessages);
    near_.tunnel.tick(now_);
    answer_all();
  }
  void answer_all() {
    if (near_.sent.size() != kPeers) std::abort();
    while (!near_.sent.empty()) {
      const auto initiation = near_.take();
      CarriedTunnel& far = *far_[static_cast<std::size_t>(initiation.lane.peer)];
      far.receive(initiation, now_);
      auto response = far.take();
      near_.receive(response, now_);
      far.tunnel.confirm(link(static_cast<std::uint32_t>(initiation.lane.peer)).sending.load()->remote_index, now_);
      far.retired.clear();
    }
  }

  // Cycles of each burst for as long as `more` says so.
  template <typename More>
  std::vector<double> forward(More more) {
    use_cpu(1);
    std::vector<double> cycles;
    cycles.reserve(1U << 20);
    const Instant now = now_.instant;
    while (more()) {
      for (std::size_t i = 0; i < kBurst; ++i) {
        next_ = (next_ + 389) % kPeers;
        Packet packet;
        gateway_.pool.allocate(packet);
        const Bytes frame = PacketBuilder()
                                .ethernet(kClusterMac, kPodMac)
                                .ipv4(ip4("10.244.1.5"), {0x64400005U + (next_ << 8)})
                                .udp(4000, 4000)
                                .payload_size(36)
                                .bytes();
        packet.resize(frame.size());
        std::ranges::copy(frame, packet.data);
        gateway_.cluster.incoming.push_back(packet);
      }
      const std::uint64_t begin = __rdtsc();
      gateway_.worker.run_once(now);
      cycles.push_back(static_cast<double>(__rdtsc() - begin));
      if (gateway_.underlay.outgoing.size() != kBurst) std::abort();
      for (Packet& packet : gateway_.underlay.outgoing) gateway_.pool.release(packet);
      gateway_.underlay.outgoing.clear();
    }
    return cycles;
  }

  tunnel::Now now_{kStart, {1'700'000'000, 0}};
  MemoryGateway gateway_;
  CarriedTunnel near_;
  std::vector<std::unique_ptr<tunnel::SessionTable>> tables_;
  std::vector<std::unique_ptr<tunnel::PeerLink>> links_;
  std::vector<std::unique_ptr<CarriedTunnel>> far_;
  std::uint32_t next_ = 0;
};

}  // namespace
}  // namespace isthmus::bench

int main() { isthmus::bench::Bench().run(); }
