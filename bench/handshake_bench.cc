// What a handshake costs one side, beside the X25519 operations that it cannot do without: four, one of them the making
// of the ephemeral key. Both are measured in turn with the same library.

#include <openssl/evp.h>
#include <x86intrin.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "bench/statistics.h"
#include "bench/tunnel_pair.h"

namespace isthmus::bench {
namespace {

constexpr std::size_t kRuns = 31;
constexpr std::size_t kHandshakesPerRun = 50;

struct Pair {
  tunnel::SessionTable table_a{64};
  tunnel::SessionTable table_b{64};
  tunnel::PeerLink link_a;
  tunnel::PeerLink link_b;
  CarriedTunnel a{1, table_a};
  CarriedTunnel b{2, table_b};
  tunnel::Now now{Instant{std::chrono::seconds(1000)}, {1'700'000'000, 0}};

  Pair() {
    a.add(PeerIndex{0}, b.tunnel.public_key(), link_a, now);
    b.add(PeerIndex{0}, a.tunnel.public_key(), link_b, now);
    a.tunnel.want_session({PeerIndex{0}, 0}, now);
    b.receive(a.take(), now);
    a.receive(b.take(), now);
  }

  // One handshake; adds the cycles of each side.
  void once(double& initiator, double& responder) {
    pass(now, std::chrono::seconds(6));
    link_a.sending.load()->reserve_nonces(tunnel::kRekeyAfterMessages);
    std::uint64_t begin = __rdtsc();
    a.tunnel.tick(now);
    std::uint64_t own = __rdtsc() - begin;
    if (a.sent.size() != 1) std::abort();
    const auto initiation = a.take();

    begin = __rdtsc();
    b.receive(initiation, now);
    responder += static_cast<double>(__rdtsc() - begin);
    if (b.sent.size() != 1) std::abort();
    const auto response = b.take();

    begin = __rdtsc();
    a.receive(response, now);
    own += __rdtsc() - begin;
    initiator += static_cast<double>(own);
    tunnel::Session* fresh = link_a.sending.load();
    if (fresh->nonces_used() != 0) std::abort();
    b.tunnel.confirm(fresh->remote_index, now);
    a.retired.clear();
    b.retired.clear();
  }
};

// A key made from random bytes, and three shared secrets, as plainly as the library lets anybody do it.
double four_operations(EVP_PKEY* peer) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(static_cast<std::uint8_t>(__rdtsc()));
  const std::uint64_t begin = __rdtsc();
  EVP_PKEY* own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, bytes.data(), bytes.size());
  for (int i = 0; i < 3; ++i) {
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(own, nullptr);
    std::size_t size = bytes.size();
    if (EVP_PKEY_derive_init(context) != 1 || EVP_PKEY_derive_set_peer(context, peer) != 1 ||
        EVP_PKEY_derive(context, bytes.data(), &size) != 1) {
      std::abort();
    }
    EVP_PKEY_CTX_free(context);
  }
  EVP_PKEY_free(own);
  return static_cast<double>(__rdtsc() - begin);
}

// TSC ticks of a second.
double tsc_rate() {
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t begin = __rdtsc();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(50)) {
  }
  return static_cast<double>(__rdtsc() - begin) * 20;
}

void print(const char* side, const std::vector<double>& cycles, double reference, double rate) {
  std::puts(boost::json::serialize(boost::json::object{{"name", "handshake"},
                                                       {"side", side},
                                                       {"handshakes_per_second", rate / median(cycles)},
                                                       {"cycles_per_packet", median(cycles)},
                                                       {"spread", spread(cycles)},
                                                       {"reference", {{"four X25519", reference}}}})
                .c_str());
}

void run() {
  const std::array<std::uint8_t, 32> other{9};
  EVP_PKEY* peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, other.data(), other.size());
  Pair pair;
  std::vector<double> initiator;
  std::vector<double> responder;
  std::vector<double> reference;
  for (std::size_t r = 0; r < kRuns; ++r) {
    double sums[3] = {};
    for (std::size_t i = 0; i < kHandshakesPerRun; ++i) {
      pair.once(sums[0], sums[1]);
      sums[2] += four_operations(peer);
    }
    initiator.push_back(sums[0] / kHandshakesPerRun);
    responder.push_back(sums[1] / kHandshakesPerRun);
    reference.push_back(sums[2] / kHandshakesPerRun);
  }
  const double rate = tsc_rate();
  print("initiator", initiator, median(reference), rate);
  print("responder", responder, median(reference), rate);
  EVP_PKEY_free(peer);
}

}  // namespace
}  // namespace isthmus::bench

int main() { isthmus::bench::run(); }
