// What it takes to add and to remove one peer, beside ten others and beside four thousand: in the tunnel, and as a
// whole document that is checked and compiled anew. And how much memory a peer takes.

#include <malloc.h>
#include <x86intrin.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>

#include "bench/statistics.h"
#include "bench/tunnel_pair.h"
#include "dataplane/config/compile.h"
#include "dataplane/config/validate.h"
#include "dataplane/pipeline/peer_state.h"

namespace isthmus::bench {
namespace {

constexpr std::size_t kRuns = 31;

void print(const char* name, std::uint32_t peers, const std::vector<double>& cycles) {
  std::puts(boost::json::serialize(boost::json::object{{"name", name},
                                                       {"peers", peers},
                                                       {"cycles_per_packet", median(cycles)},
                                                       {"spread", spread(cycles)}})
                .c_str());
}

tunnel::PublicKey key_of(std::uint32_t peer) {
  tunnel::SecretKey secret;
  secret.bytes.fill(0x41);
  secret.bytes[1] = static_cast<std::uint8_t>(peer);
  secret.bytes[2] = static_cast<std::uint8_t>(peer >> 8);
  return tunnel::public_key_of(secret);
}

void in_the_tunnel(std::uint32_t peers, const std::vector<tunnel::PublicKey>& keys) {
  tunnel::SessionTable table(1U << 16);
  CarriedTunnel tunnel(1, table);
  tunnel::Now now{Instant{std::chrono::seconds(1000)}, {1'700'000'000, 0}};
  std::vector<tunnel::PeerLink> links(peers + 1);
  for (std::uint32_t p = 0; p < peers; ++p) tunnel.add(PeerIndex{p}, keys[p], links[p], now);
  std::vector<double> adding;
  std::vector<double> removing;
  for (std::size_t r = 0; r < kRuns; ++r) {
    std::uint64_t begin = __rdtsc();
    tunnel.add(PeerIndex{peers}, keys[peers], links[peers], now);
    adding.push_back(static_cast<double>(__rdtsc() - begin));
    begin = __rdtsc();
    tunnel.tunnel.remove_peer({PeerIndex{peers}, 0});
    removing.push_back(static_cast<double>(__rdtsc() - begin));
  }
  print("add a peer to the tunnel", peers, adding);
  print("remove a peer from the tunnel", peers, removing);
}

config::DesiredState document(std::uint32_t peers, const std::vector<tunnel::PublicKey>& keys) {
  config::DesiredState state;
  state.api_version = config::kApiVersion;
  state.name = "near";
  state.private_key_file = "/etc/isthmus/private.key";
  state.cluster_port.interface = "eth1";
  state.underlay_port.interface = "eth0";
  state.pods = {"10.244.0.0/16"};
  for (std::uint32_t p = 0; p < peers; ++p) {
    config::DesiredPeer peer;
    peer.name = "peer" + std::to_string(p);
    peer.public_key = tunnel::to_base64(keys[p]);
    const std::string numbers = std::to_string(64 + p / 256) + "." + std::to_string(p % 256);
    peer.endpoint = "172." + std::to_string(16 + p / 65536) + "." + std::to_string(p / 256 % 256) + "." +
                    std::to_string(p % 256) + ":51820";
    peer.remote = {{"10.1.2.0/24", "100." + numbers + ".0/24"}};
    state.peers.push_back(peer);
  }
  return state;
}

void as_a_document(std::uint32_t peers, const std::vector<tunnel::PublicKey>& keys) {
  const config::DesiredState state = document(peers, keys);
  std::vector<PeerIndex> places;
  for (std::uint32_t p = 0; p < peers; ++p) places.push_back(PeerIndex{p});
  std::vector<double> cycles;
  for (std::size_t r = 0; r < kRuns; ++r) {
    const std::uint64_t begin = __rdtsc();
    const auto validated = config::validate(state);
    if (!std::holds_alternative<config::ValidatedConfig>(validated)) std::abort();
    const auto tables = config::compile(std::get<config::ValidatedConfig>(validated), places);
    cycles.push_back(static_cast<double>(__rdtsc() - begin));
    if (tables.routes.size() != peers) std::abort();
  }
  print("validate and compile a document", peers, cycles);
}

// What the heap has given out since an earlier moment, a peer.
class HeapGrowth {
 public:
  std::size_t per(std::uint32_t peers) const { return (given_out() - before_) / peers; }

 private:
  static std::size_t given_out() {
    const struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
  }
  std::size_t before_ = given_out();
};

void memory_of(std::uint32_t peers, const std::vector<tunnel::PublicKey>& keys) {
  tunnel::SessionTable table(1U << 16);
  CarriedTunnel tunnel(1, table);
  const tunnel::Now now{Instant{std::chrono::seconds(1000)}, {1'700'000'000, 0}};
  std::vector<std::unique_ptr<pipeline::PeerState>> states;
  std::vector<PeerIndex> places;
  states.reserve(peers);
  for (std::uint32_t p = 0; p < peers; ++p) places.push_back(PeerIndex{p});

  const HeapGrowth of_states;
  for (std::uint32_t p = 0; p < peers; ++p) states.push_back(std::make_unique<pipeline::PeerState>(1));
  const std::size_t state = of_states.per(peers);
  const HeapGrowth of_tunnel;
  for (std::uint32_t p = 0; p < peers; ++p) tunnel.add(places[p], keys[p], states[p]->lane(0).link, now);
  const std::size_t in_tunnel = of_tunnel.per(peers);
  const auto validated = config::validate(document(peers, keys));
  const HeapGrowth of_tables;
  const auto tables = config::compile(std::get<config::ValidatedConfig>(validated), places);
  std::puts(boost::json::serialize(boost::json::object{{"name", "memory of a peer"},
                                                       {"peers", peers},
                                                       {"bytes_of_lanes_and_counters", state},
                                                       {"bytes_in_the_tunnel", in_tunnel},
                                                       {"bytes_of_tables", of_tables.per(peers)},
                                                       {"bytes_of_a_session", sizeof(tunnel::Session)}})
                .c_str());
}

}  // namespace
}  // namespace isthmus::bench

int main() {
  std::vector<isthmus::tunnel::PublicKey> keys;
  for (std::uint32_t peer = 0; peer <= 4000; ++peer) keys.push_back(isthmus::bench::key_of(peer));
  for (const std::uint32_t peers : {10U, 4000U}) isthmus::bench::in_the_tunnel(peers, keys);
  for (const std::uint32_t peers : {10U, 4000U}) isthmus::bench::as_a_document(peers, keys);
  isthmus::bench::memory_of(4000, keys);
}
