// Two whole gateways in memory: documents applied, neighbours resolved, handshakes made, packets held and forwarded.
// Only DPDK, clocks and the wire between them are made up.

#include "dataplane/service/gateway.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "dataplane/packet/neighbour_messages.h"
#include "dataplane/service/secrets.h"
#include "test/support/memory_gateway.h"

namespace isthmus::service {
namespace {

using namespace isthmus::test;
using namespace std::chrono_literals;

class MemoryForwarder final : public Forwarder {
 public:
  explicit MemoryForwarder(std::uint8_t number) : number_(number) {}

  void start(const config::ValidatedConfig&, pipeline::Shared& shared) override {
    if (refuse) throw std::runtime_error("port c0: no such device");
    walkers_.push_back(std::make_unique<pipeline::Walker>(
        shared, 0, tunnel::make_burst_aead(tunnel::AeadChoice::kPortable), worker_pool));
    worker = std::make_unique<pipeline::Worker>(*walkers_.back(), cluster, underlay);
  }
  void set_polling(config::Polling) override {}
  std::span<const std::unique_ptr<pipeline::Walker>> walkers() override { return walkers_; }
  BufferPool& pool() override { return worker_pool; }
  pipeline::Reclaimer& reclaimer() override { return reclaimer_; }
  MacAddress cluster_mac() const override { return {{2, 0, 0, 0, 1, number_}}; }
  MacAddress underlay_mac() const override { return {{2, 0, 0, 0, 2, number_}}; }
  std::string memory() const override { return "heap"; }

  bool refuse = false;
  HeapPool worker_pool;
  MemoryPort cluster;
  MemoryPort underlay;
  std::unique_ptr<pipeline::Worker> worker;

 private:
  const std::uint8_t number_;
  ImmediateReclaimer reclaimer_;
  std::vector<std::unique_ptr<pipeline::Walker>> walkers_;
};

class TwoGateways : public testing::Test {
 protected:
  struct Side {
    Side(TwoGateways& test, std::uint8_t number)
        : forwarder(number), gateway(test.context, forwarder, [&test] { return test.now; }) {}
    MemoryForwarder forwarder;
    Gateway gateway;
    config::DesiredState document;
    std::uint64_t lost = 0;  // of the messages to it
    std::uint64_t reordered = 0;
    std::map<std::uint32_t, std::uint64_t> newest;  // counter, by session
  };

  TwoGateways() {
    directory = std::filesystem::temp_directory_path() / ("isthmus-gateway-test-" + std::to_string(::getpid()));
    std::filesystem::create_directory(directory);
    a.document = document("a", "192.0.2.1/24", "b", "192.0.2.2:51820", "10.71.0.0/16");
    b.document = document("b", "192.0.2.2/24", "a", "192.0.2.1:51820", "10.72.0.0/16");
    a.document.peers[0].public_key = write_key("a", 1, "b", 2);
    b.document.peers[0].public_key = write_key("b", 2, "a", 1);
  }
  ~TwoGateways() override { std::filesystem::remove_all(directory); }

  // Writes our key file and returns the peer's public key.
  std::string write_key(const std::string& name, std::uint8_t key, const std::string&, std::uint8_t peer_key) {
    tunnel::PublicKey own;
    own.fill(key);
    const auto file = directory / (name + ".key");
    std::ofstream(file) << tunnel::to_base64(own) << "\n";
    ::chmod(file.c_str(), 0600);
    tunnel::SecretKey secret;
    secret.bytes.fill(peer_key);
    return tunnel::to_base64(tunnel::public_key_of(secret));
  }
  config::DesiredState document(const std::string& name, const std::string& underlay, const std::string& peer,
                                const std::string& endpoint, const std::string& view) const {
    config::DesiredState state;
    state.api_version = config::kApiVersion;
    state.name = name;
    state.private_key_file = (directory / (name + ".key")).string();
    state.cluster_port = {.device = "net_cluster", .addresses = {"10.244.0.1/16"}};
    state.underlay_port = {.device = "net_underlay", .addresses = {underlay}};
    state.pods = {"10.244.0.0/16"};
    state.peers = {{.name = peer, .endpoint = endpoint, .remote = {{"10.244.0.0/16", view}}}};
    return state;
  }

  static config::Response apply(Side& side) {
    return side.gateway.handle({.method = config::Method::kApply, .state = side.document});
  }
  static config::Status status(Side& side) { return *side.gateway.handle({}).status; }

  // Lets both work, and carries frames between their underlay ports, until nothing moves. Changes of neighbours are
  // told a millisecond late, so silence counts only after a while.
  void settle() {
    for (int idle = 0; idle < 2;) {
      bool moved = false;
      for (Side* side : {&a, &b}) {
        if (!side->forwarder.worker) continue;
        moved |= side->forwarder.worker->run_once(now.instant);
        side->gateway.take_mail();
        answer_for_pods(*side);
      }
      context.restart();
      moved |= context.poll() != 0;
      carry(a, b);
      carry(b, a);
      if (moved) {
        idle = 0;
      } else {
        ++idle;
        context.restart();
        context.run_for(2ms);
      }
    }
  }
  void carry(Side& from, Side& to) {
    for (Packet& packet : from.forwarder.underlay.outgoing) {
      if (connected && !loses(packet, to)) to.forwarder.underlay.incoming.push_back(copy(packet, to));
      from.forwarder.worker_pool.release(packet);
    }
    from.forwarder.underlay.outgoing.clear();
  }
  // One in seven of the messages with content. Keeps the books of the others, too.
  bool loses(const Packet& packet, Side& to) {
    constexpr std::size_t kOuter = sizeof(EthernetHeader) + sizeof(Ipv4Header) + sizeof(UdpHeader);
    if (packet.data[kOuter] != static_cast<std::uint8_t>(tunnel::MessageType::kData)) return false;
    if (lossy && packet.length > kOuter + tunnel::kDataOverhead && ++messages % 7 == 0) {
      ++to.lost;
      return true;
    }
    const auto& header = *packet.header<tunnel::DataHeader>(kOuter);
    std::uint64_t& newest = to.newest[header.receiver_index];
    if (header.counter < newest) ++to.reordered;
    newest = std::max<std::uint64_t>(newest, header.counter);
    return false;
  }
  static Packet copy(const Packet& packet, Side& to) {
    Packet twin;
    EXPECT_TRUE(to.forwarder.worker_pool.allocate(twin));
    twin.resize(packet.length);
    std::copy(packet.data, packet.data + packet.length, twin.data);
    return twin;
  }
  // Pods answer ARP; everything else that a cluster port sends is kept in delivered.
  void answer_for_pods(Side& side) {
    for (Packet& packet : side.forwarder.cluster.outgoing) {
      const auto message = parse_neighbour_message(packet);
      if (message && message->is_request && pods_answer) {
        Packet reply;
        ASSERT_TRUE(side.forwarder.worker_pool.allocate(reply));
        write_neighbour_reply(reply, kPodMac, message->target, side.forwarder.cluster_mac(), message->sender);
        side.forwarder.cluster.incoming.push_back(reply);
      } else if (!message) {
        delivered.push_back(bytes_of(packet));
      }
      side.forwarder.worker_pool.release(packet);
    }
    side.forwarder.cluster.outgoing.clear();
  }
  void pod_sends(Side& side, const PacketBuilder& packet) {
    Packet frame =
        PacketBuilder(packet).ethernet(side.forwarder.cluster_mac(), kPodMac).build_in(side.forwarder.worker_pool);
    side.forwarder.cluster.incoming.push_back(frame);
  }
  void pass(Duration time) {
    now.instant += time;
    now.wall.seconds += static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
    for (Side* side : {&a, &b}) side->gateway.tick();
    settle();
  }
  static std::uint64_t drops(const config::Status& status, const std::string& reason) {
    std::uint64_t packets = 0;
    for (const config::DropStatus& drop : status.drops) packets += drop.reason == reason ? drop.packets : 0;
    return packets;
  }
  // Nothing that a worker saw is unaccounted for, and what waits is what was handed over and did not come back.
  static void expect_balance(const config::Status& status) {
    for (const config::WalkStatus& walk : status.walks) {
      std::uint64_t punted = 0;
      for (const config::NamedCount& punt : walk.punted) punted += punt.count;
      EXPECT_EQ(walk.received + walk.originated + walk.resumed, walk.transmitted + walk.dropped + punted)
          << walk.direction;
    }
  }

  boost::asio::io_context context;
  tunnel::Now now{kStart, {1700000000, 0}};
  std::filesystem::path directory;
  Side a{*this, 1};
  Side b{*this, 2};
  bool connected = true;
  bool lossy = false;
  std::uint64_t messages = 0;  // with content, while it was lossy
  bool pods_answer = true;
  std::vector<Bytes> delivered;
};

const PacketBuilder kPing = PacketBuilder().ipv4("10.244.1.5", "10.71.2.7").echo_request(1, 1).payload("ping");

TEST_F(TwoGateways, FirstPacketWaitsForNeighboursAndHandshakeAndArrives) {
  ASSERT_TRUE(apply(a).errors.empty());
  ASSERT_TRUE(apply(b).errors.empty());
  pod_sends(a, kPing);
  settle();
  ASSERT_EQ(delivered.size(), 1U);
  const Bytes expected =
      PacketBuilder(kPing).ethernet(kPodMac, b.forwarder.cluster_mac()).ipv4("10.72.1.5", "10.244.2.7").ttl(62).bytes();
  EXPECT_EQ(difference(expected, BuiltPacket(delivered[0]).packet()), "");
  EXPECT_TRUE(status(a).peers[0].connected);
  EXPECT_TRUE(status(b).peers[0].connected);
  expect_balance(status(a));
  expect_balance(status(b));
}

TEST_F(TwoGateways, ApplyingTheSameAgainTouchesNothing) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const config::Status before = status(a);
  const config::Response again = apply(a);
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.generation, before.generation);
  settle();
  EXPECT_EQ(status(a).peers[0].transmit_bytes, before.peers[0].transmit_bytes);
}

TEST_F(TwoGateways, ChangedMapKeepsSessionAndCounters) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const config::Status before = status(a);
  a.document.peers[0].remote[0].seen_as = "10.81.0.0/16";
  ASSERT_TRUE(apply(a).changed);
  pod_sends(a, PacketBuilder(kPing).ipv4("10.244.1.5", "10.81.2.7"));
  settle();
  EXPECT_EQ(delivered.size(), 2U);
  const config::Status after = status(a);
  EXPECT_EQ(after.peers[0].last_handshake_seconds, before.peers[0].last_handshake_seconds);
  EXPECT_EQ(after.peers[0].outbound_packets, before.peers[0].outbound_packets + 1);
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(drops(status(a), "no_route"), 1U) << "the old view is gone";
}

TEST_F(TwoGateways, RefusedDocumentChangesNothing) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  const config::DesiredState good = a.document;
  a.document.peers[0].remote[0].seen_as = "10.244.0.0/16";  // our own pods
  config::Response refused = apply(a);
  EXPECT_FALSE(refused.errors.empty());
  EXPECT_EQ(refused.generation, 1U);
  a.document = good;
  a.document.private_key_file += ".missing";
  refused = apply(a);
  ASSERT_EQ(refused.errors.size(), 1U);
  EXPECT_EQ(refused.errors[0].path, "privateKeyFile");
  a.document = good;
  a.document.cluster_port.device = "net_other";
  refused = apply(a);
  ASSERT_EQ(refused.errors.size(), 1U);
  EXPECT_EQ(refused.errors[0].path, "ports.cluster");
  EXPECT_EQ(*a.gateway.handle({.method = config::Method::kState}).state, good);
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(delivered.size(), 1U);
}

TEST_F(TwoGateways, PortThatCannotBeOpenedIsAnErrorAndMayBeTriedAgain) {
  a.forwarder.refuse = true;
  EXPECT_EQ(apply(a).error, "port c0: no such device");
  EXPECT_EQ(status(a).generation, 0U);
  a.forwarder.refuse = false;
  EXPECT_TRUE(apply(a).changed);
}

TEST_F(TwoGateways, OwnKeyAsPeerIsRefused) {
  tunnel::SecretKey own;
  own.bytes.fill(1);
  a.document.peers[0].public_key = tunnel::to_base64(tunnel::public_key_of(own));
  const config::Response refused = apply(a);
  ASSERT_EQ(refused.errors.size(), 1U);
  EXPECT_EQ(refused.errors[0].path, "peers[0].publicKey");
}

TEST_F(TwoGateways, PacketsThatWaitInVainDieUnderTheirReason) {
  ASSERT_TRUE(apply(a).changed);
  connected = false;
  settle();
  for (std::size_t i = 0; i < HeldPackets::kPerKey + 3; ++i) {
    pod_sends(a, kPing);
    settle();
  }
  EXPECT_EQ(drops(status(a), "held_queue_full"), 3U);
  EXPECT_EQ(status(a).peers[0].held_packets, HeldPackets::kPerKey);
  pass(HeldPackets::kPatience);
  EXPECT_EQ(drops(status(a), "no_session"), HeldPackets::kPerKey);
  EXPECT_EQ(status(a).peers[0].held_packets, 0U);
  expect_balance(status(a));
}

TEST_F(TwoGateways, PodThatDoesNotAnswerIsNamed) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pods_answer = false;
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(status(b).peers[0].held_packets, 1U);
  pass(HeldPackets::kPatience);
  EXPECT_EQ(drops(status(b), "neighbour_unresolved"), 1U);
}

TEST_F(TwoGateways, RemovedPeerIsForgottenAndItsPlaceUsedAgain) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const std::vector<config::DesiredPeer> peers = a.document.peers;
  a.document.peers.clear();
  ASSERT_TRUE(apply(a).changed);
  pod_sends(a, kPing);
  pass(1s);
  EXPECT_TRUE(status(a).peers.empty());
  EXPECT_EQ(drops(status(a), "no_route"), 1U);
  a.document.peers = peers;
  ASSERT_TRUE(apply(a).changed);
  pass(1s);
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(delivered.size(), 2U) << "after a new handshake it forwards again";
}

TEST_F(TwoGateways, RekeysUnderTrafficWithoutLoss) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const std::int64_t first = status(a).peers[0].last_handshake_seconds;
  for (int second = 0; second < 400; ++second) {
    pod_sends(a, kPing);
    pod_sends(b, PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").udp(1, 2));
    pass(1s);
  }
  EXPECT_EQ(delivered.size(), 1U + 2 * 400U);
  EXPECT_GT(status(a).peers[0].last_handshake_seconds, first + 200);
  expect_balance(status(a));
  expect_balance(status(b));
}

TEST_F(TwoGateways, LossIsCountedAcrossSessionsLanesAndReloads) {
  a.document.peers[0].lanes = b.document.peers[0].lanes = 2;
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  const auto talk = [&](std::uint16_t flows = 10) {  // on both lanes
    for (std::uint16_t port = 1; port <= flows; ++port) {
      pod_sends(a, PacketBuilder().ipv4("10.244.1.5", "10.71.2.7").udp(port, 9));
      pod_sends(b, PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").udp(port, 9));
    }
    pass(1s);
  };
  talk();
  lossy = true;
  std::uint64_t last = 0;
  for (int second = 0; second < 400; ++second) {
    talk();
    const std::uint64_t lost = status(b).peers[0].lost_packets;
    ASSERT_GE(lost, last);
    ASSERT_LE(lost, b.lost);
    last = lost;
  }
  lossy = false;
  for (int second = 0; second < 3; ++second) talk();
  EXPECT_GT(a.lost, 500U);
  EXPECT_EQ(status(a).peers[0].lost_packets, a.lost);
  EXPECT_EQ(status(b).peers[0].lost_packets, b.lost);
  EXPECT_EQ(status(b).peers[0].duplicate_packets, 0U);
  // The first keepalive of a lane may leave behind packets that have waited for the other lane.
  EXPECT_EQ(status(b).peers[0].reordered_packets, b.reordered);

  // A lane that is given up takes nothing along, not even what it had not told yet.
  lossy = true;
  talk(60);
  lossy = false;
  talk();
  b.document.peers[0].lanes = 1;
  ASSERT_TRUE(apply(b).changed);
  pass(1s);
  pass(1s);
  EXPECT_EQ(status(b).peers[0].lost_packets, b.lost);
}

TEST_F(TwoGateways, TraceFollowsAPacketThroughEveryStage) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const auto trace = [](Side& side, std::uint32_t packets, const std::string& address = {}) {
    return side.gateway.handle({.method = config::Method::kTrace, .trace = config::TraceRequest{packets, address}});
  };
  EXPECT_TRUE(trace(a, 1, "10.71.2.7").trace.empty());
  EXPECT_TRUE(trace(b, 1).trace.empty());
  pod_sends(a, PacketBuilder(kPing).ipv4("10.244.1.5", "10.71.9.9"));  // not asked for
  pod_sends(a, kPing);
  pod_sends(a, kPing);  // one too many
  settle();
  const std::vector<config::TraceStep> steps = trace(a, 0).trace;
  ASSERT_EQ(steps.size(), pipeline::outbound().size());
  EXPECT_EQ(steps[0].destination, "10.71.2.7");
  EXPECT_EQ(steps[3].stage, "translate");
  EXPECT_EQ(steps[3].source + " > " + steps[3].destination, "10.244.1.5 > 10.244.2.7");
  EXPECT_TRUE(steps[4].source.empty()) << "sealed";
  EXPECT_EQ(trace(b, 0).trace.size(), pipeline::inbound().size() - 2) << "followed from open on, where it is readable";
  EXPECT_EQ(trace(a, 1, "nonsense").error, "nonsense is not an IPv4 address");

  trace(a, 1);
  pod_sends(a, PacketBuilder(kPing).ipv4("10.244.1.5", "10.99.0.1"));
  settle();
  const std::vector<config::TraceStep> death = trace(a, 0).trace;
  ASSERT_FALSE(death.empty());
  EXPECT_EQ(death.back().stage + ": " + death.back().outcome, "route_to_peer: no_route");
}

// As isthmusd says it.
config::Response tell(Gateway& gateway, const std::string& endpoint, bool anew = false, const std::string& peer = "b") {
  return gateway.handle(
      {.method = config::Method::kEndpoint, .endpoint = config::EndpointRequest{peer, endpoint, anew}});
}

TEST_F(TwoGateways, EndpointOfANameIsToldWithoutANewGeneration) {
  a.document.peers[0].endpoint = "gw.example.org:51820";
  ASSERT_TRUE(apply(a).changed);
  b.document.peers[0].endpoint = "";  // only a can begin
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  pass(3s);
  EXPECT_EQ(status(a).peers[0].endpoint, "");
  EXPECT_EQ(status(a).peers[0].endpoint_name, "gw.example.org:51820");
  EXPECT_EQ(status(a).peers[0].handshake_pending_seconds, 3);
  EXPECT_TRUE(delivered.empty());

  const config::Response told = tell(a.gateway, "192.0.2.2:51820");
  EXPECT_EQ(told.error, "");
  EXPECT_TRUE(told.changed);
  EXPECT_EQ(told.generation, 1U);
  pass(100ms);
  EXPECT_EQ(delivered.size(), 1U) << "the handshake begins at once";
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_EQ(status(a).peers[0].handshake_pending_seconds, 0);
  EXPECT_EQ(status(a).generation, 1U);
}

TEST_F(TwoGateways, EndpointOfANameReplacesALearnedOneOnlyWhenItIsNews) {
  a.document.peers[0].endpoint = "gw.example.org:51820";
  a.document.underlay_port.gateway = "192.0.2.2";  // every address has a way
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);  // begins by itself: a learns where it is
  settle();
  ASSERT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_TRUE(tell(a.gateway, "198.51.100.7:51820").changed);
  EXPECT_EQ(status(a).peers[0].endpoint, "198.51.100.7:51820");
  pod_sends(b, PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").udp(1, 2));
  settle();
  ASSERT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820") << "it roams";

  EXPECT_FALSE(tell(a.gateway, "198.51.100.7:51820").changed) << "no news";
  EXPECT_FALSE(apply(a).changed);
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_TRUE(tell(a.gateway, "198.51.100.7:51820", true).changed);
  EXPECT_EQ(status(a).peers[0].endpoint, "198.51.100.7:51820");
  EXPECT_FALSE(tell(a.gateway, "198.51.100.7:51820", true).changed);
}

TEST_F(TwoGateways, EndpointOfANameStaysAcrossOtherChangesOfTheDocument) {
  a.document.peers[0].endpoint = "gw.example.org:51820";
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(tell(a.gateway, "192.0.2.7:51820").changed);
  a.document.peers[0].remote[0].seen_as = "10.81.0.0/16";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.7:51820");
  EXPECT_FALSE(tell(a.gateway, "192.0.2.7:51820").changed);
  a.document.peers[0].endpoint = "192.0.2.2:51820";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_EQ(status(a).peers[0].endpoint_name, "");
  a.document.peers[0].endpoint = "other.example.org:51820";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_TRUE(tell(a.gateway, "192.0.2.7:51820").changed) << "another name's address is news again";
}

TEST_F(TwoGateways, EndpointIsRefusedWithAReason) {
  EXPECT_EQ(tell(a.gateway, "192.0.2.7:51820").error, "no peer is called 'b'") << "no document yet";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_EQ(tell(a.gateway, "192.0.2.7:51820").error, "the document has no endpoint name for b");
  a.document.peers[0].endpoint = "gw.example.org:51820";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_EQ(tell(a.gateway, "192.0.2.7:51820", false, "c").error, "no peer is called 'c'");
  EXPECT_EQ(tell(a.gateway, "192.0.2.7").error, "'192.0.2.7' is not an address and port");
  EXPECT_EQ(tell(a.gateway, "gw:1").error, "'gw:1' is not an address and port");
  EXPECT_EQ(tell(a.gateway, "127.0.0.1:51820").error, "127.0.0.1:51820 is an address of loopback (127.0.0.0/8)");
  EXPECT_EQ(a.gateway.handle({.method = config::Method::kEndpoint}).error, "no peer is called ''");
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820") << "what was known before the name stays";
}

std::string hex_key(const std::string& base64) { return config::to_hex(*tunnel::parse_key(base64)); }

std::string wg(Gateway& gateway, const std::string& request) {
  return std::string(std::string_view(gateway.answer_wg(request + "\n")));
}

std::string lines_of(const std::string& text, const std::string& key) {
  std::string found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + "=")) found += (found.empty() ? "" : " ") + line.substr(key.size() + 1);
  }
  return found;
}

using Drift = std::vector<std::string>;

TEST_F(TwoGateways, WgReadsTheDevice) {
  EXPECT_EQ(wg(a.gateway, "get=1\n"), "errno=-19\n\n") << "no document, no device";
  a.document.peers[0].persistent_keepalive = 25;
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const std::string device = wg(a.gateway, "get=1\n");
  tunnel::PublicKey own;
  own.fill(1);
  EXPECT_EQ(lines_of(device, "private_key"), config::to_hex(own));
  EXPECT_EQ(lines_of(device, "listen_port"), "51820");
  EXPECT_EQ(lines_of(device, "public_key"), hex_key(a.document.peers[0].public_key));
  EXPECT_EQ(lines_of(device, "preshared_key"), std::string(64, '0'));
  EXPECT_EQ(lines_of(device, "endpoint"), "192.0.2.2:51820");
  EXPECT_EQ(lines_of(device, "persistent_keepalive_interval"), "25");
  EXPECT_EQ(lines_of(device, "allowed_ip"), "10.244.0.0/16");
  EXPECT_EQ(lines_of(device, "last_handshake_time_sec"), "1700000000");
  EXPECT_EQ(lines_of(device, "tx_bytes"), std::to_string(status(a).peers[0].transmit_bytes));
  EXPECT_EQ(lines_of(device, "rx_bytes"), std::to_string(status(a).peers[0].receive_bytes));
  EXPECT_GT(status(a).peers[0].transmit_bytes, 148U);
  EXPECT_EQ(lines_of(device, "errno"), "0");
}

TEST_F(TwoGateways, WhatWgSetsIsDriftUntilTheNextDocument) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const config::Status before = status(a);
  EXPECT_EQ(before.drift, Drift{});
  const std::string peer = "set=1\npublic_key=" + hex_key(a.document.peers[0].public_key) + "\n";
  EXPECT_EQ(wg(a.gateway, peer + "endpoint=192.0.2.9:51820\npersistent_keepalive_interval=5\npreshared_key=" +
                              std::string(64, '7') + "\n"),
            "errno=0\n\n");
  EXPECT_EQ(status(a).drift,
            (Drift{"peers[b].endpoint: 192.0.2.9:51820 instead of 192.0.2.2:51820, set with wg",
                   "peers[b].persistentKeepalive: 5 instead of 0, set with wg", "peers[b].presharedKey: set with wg"}));
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.9:51820");
  EXPECT_EQ(lines_of(wg(a.gateway, "get=1\n"), "preshared_key"), std::string(64, '7'));
  EXPECT_EQ(*a.gateway.handle({.method = config::Method::kState}).state, a.document) << "the document is as it was";

  EXPECT_TRUE(apply(a).changed) << "the unchanged document replaces it";
  EXPECT_EQ(status(a).drift, Drift{});
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_EQ(lines_of(wg(a.gateway, "get=1\n"), "preshared_key"), std::string(64, '0'));
  EXPECT_FALSE(apply(a).changed);
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(delivered.size(), 2U) << "the session lived through all of it";
  EXPECT_EQ(status(a).peers[0].last_handshake_seconds, before.peers[0].last_handshake_seconds);
}

TEST_F(TwoGateways, WgChangesKeysOfBothSidesWithoutLoss) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  tunnel::SecretKey fresh;
  fresh.bytes.fill(0x33);
  ASSERT_EQ(wg(a.gateway, "set=1\nprivate_key=" + config::to_hex(fresh.bytes) + "\n"), "errno=0\n\n");
  EXPECT_EQ(status(a).drift, Drift{"privateKey: set with wg"});
  EXPECT_EQ(status(a).public_key, tunnel::to_base64(tunnel::public_key_of(fresh)));
  pod_sends(a, kPing);
  settle();
  b.document.peers[0].public_key = tunnel::to_base64(tunnel::public_key_of(fresh));
  ASSERT_TRUE(apply(b).changed);
  pass(1s);
  pod_sends(a, kPing);
  pass(10s);
  EXPECT_EQ(delivered.size(), 3U);
  EXPECT_FALSE(status(a).peers[0].rotating);
}

TEST_F(TwoGateways, WgBringsAPeerAndTakesItAway) {
  const std::vector<config::DesiredPeer> peers = std::exchange(a.document.peers, {});
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  const std::string key = hex_key(peers[0].public_key);
  // Its pods are seen here as themselves, so they cannot be where ours are.
  b.document.peers[0].local = {{"10.244.0.0/16", "10.62.0.0/16"}};
  ASSERT_TRUE(apply(b).changed);
  ASSERT_EQ(wg(a.gateway, "set=1\npublic_key=" + key + "\nendpoint=192.0.2.2:51820\nallowed_ip=10.62.0.0/16\n"),
            "errno=0\n\n");
  EXPECT_EQ(status(a).drift, Drift{"peers[wg-" + key.substr(0, 8) + "]: added with wg"});
  pod_sends(a, PacketBuilder(kPing).ipv4("10.244.1.5", "10.62.2.7"));
  settle();
  EXPECT_EQ(delivered.size(), 1U);
  ASSERT_EQ(wg(a.gateway, "set=1\npublic_key=" + key + "\nremove=true\n"), "errno=0\n\n");
  EXPECT_EQ(status(a).drift, Drift{});
  EXPECT_TRUE(status(a).peers.empty());
  EXPECT_FALSE(apply(a).changed) << "nothing is left of it";
}

TEST_F(TwoGateways, WgSaysAgainWhatItReadAndNothingHappens) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  const std::string device = wg(a.gateway, "get=1\n");
  std::string again = "set=1\nprivate_key=" + lines_of(device, "private_key") + "\nlisten_port=51820\nfwmark=0\n" +
                      "replace_peers=true\n";
  for (const char* key : {"public_key", "preshared_key", "endpoint", "allowed_ip"}) {
    again += key + ("=" + lines_of(device, key)) + "\n";
  }
  const std::uint64_t sent = status(a).peers[0].transmit_bytes;
  EXPECT_EQ(wg(a.gateway, again), "errno=0\n\n");
  settle();
  EXPECT_EQ(status(a).drift, Drift{});
  EXPECT_EQ(status(a).peers[0].transmit_bytes, sent);
  EXPECT_FALSE(apply(a).changed);
}

TEST_F(TwoGateways, WrongWordsOfWgChangeNothing) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  const std::string peer = "set=1\npublic_key=" + hex_key(a.document.peers[0].public_key) + "\n";
  const std::string stranger = "set=1\npublic_key=" + std::string(64, '5') + "\n";
  tunnel::SecretKey own;
  own.bytes.fill(1);
  tunnel::SecretKey theirs;
  theirs.bytes.fill(2);
  const std::vector<std::string> refused = {
      "",
      "nonsense\n",
      "set=1\nlisten_port=0\n",
      "set=1\nprivate_key=" + std::string(64, '0') + "\n",
      "set=1\nprivate_key=" + config::to_hex(theirs.bytes) + "\n",  // the peer's own
      peer + "endpoint=127.0.0.1:1\n",
      peer + "replace_allowed_ips=true\n",
      peer + "allowed_ip=10.244.0.0/15\n",
      peer + "allowed_ip=0.0.0.0/0\n",
      stranger,
      stranger + "endpoint=192.0.2.2:51820\nallowed_ip=10.99.0.0/16\n",  // b is there
      "set=1\npublic_key=" + config::to_hex(tunnel::public_key_of(own)) + "\nallowed_ip=10.99.0.0/16\n",
      "set=1\npublic_key=" + std::string(64, '0') + "\nallowed_ip=10.99.0.0/16\n",
      peer + "persistent_keepalive_interval=9\npublic_key=" + std::string(64, '5') + "\n",  // the first half is right
  };
  for (const std::string& request : refused) {
    const std::string answer = wg(a.gateway, request);
    EXPECT_TRUE(answer == "errno=-22\n\n" || answer == "errno=-71\n\n") << request << answer;
  }
  EXPECT_EQ(wg(a.gateway, peer + "allowed_ip=2001:db8::/32\n"), "errno=-97\n\n");
  EXPECT_EQ(status(a).drift, Drift{});
  EXPECT_FALSE(apply(a).changed);
  pod_sends(a, kPing);
  settle();
  EXPECT_EQ(delivered.size(), 1U);
}

TEST_F(TwoGateways, WgCallsAPeerBackThatHasRoamed) {
  ASSERT_TRUE(apply(a).changed);
  ASSERT_TRUE(apply(b).changed);
  pod_sends(a, kPing);
  settle();
  // b is seen to come from another port.
  pod_sends(b, PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").udp(1, 2));
  b.document.listen_port = 51999;
  ASSERT_TRUE(apply(b).changed);
  pod_sends(b, PacketBuilder().ipv4("10.244.2.7", "10.72.1.5").udp(1, 2));
  settle();
  ASSERT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51999");
  ASSERT_EQ(
      wg(a.gateway, "set=1\npublic_key=" + hex_key(a.document.peers[0].public_key) + "\nendpoint=192.0.2.2:51820\n"),
      "errno=0\n\n");
  EXPECT_EQ(status(a).peers[0].endpoint, "192.0.2.2:51820");
  EXPECT_EQ(status(a).drift, Drift{});
}

TEST_F(TwoGateways, ServesWgUnderTheClustersName) {
  const std::filesystem::path wg_directory = directory / "wireguard";
  a.document.name = "crownlabs";
  a.gateway.serve_wg(wg_directory);
  EXPECT_FALSE(std::filesystem::exists(wg_directory));
  ASSERT_TRUE(apply(a).changed);
  EXPECT_TRUE(std::filesystem::is_socket(wg_directory / "isthmus-crownla.sock"));
  EXPECT_EQ(std::filesystem::status(wg_directory).permissions(), std::filesystem::perms::owner_all);
  a.document.name = "netlab";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_TRUE(std::filesystem::is_socket(wg_directory / "isthmus-netlab.sock"));
  EXPECT_FALSE(std::filesystem::exists(wg_directory / "isthmus-crownla.sock"));
  // Two of one name: the second works without, and gets its turn.
  b.document.name = "netlab";
  b.gateway.serve_wg(wg_directory);
  EXPECT_TRUE(apply(b).changed);
  a.document.name = "crownlabs";
  ASSERT_TRUE(apply(a).changed);
  EXPECT_FALSE(std::filesystem::exists(wg_directory / "isthmus-netlab.sock"));
  EXPECT_FALSE(apply(b).changed);
  EXPECT_TRUE(std::filesystem::exists(wg_directory / "isthmus-netlab.sock"));
}

TEST_F(TwoGateways, WorksWithoutAPlaceForWg) {
  std::ofstream(directory / "file") << "no directory";
  a.gateway.serve_wg(directory / "file" / "wireguard");
  EXPECT_TRUE(apply(a).changed);
  b.gateway.serve_wg("");
  EXPECT_TRUE(apply(b).changed);
}

TEST_F(TwoGateways, SecretsMustBePrivate) {
  const std::string file = (directory / "a.key").string();
  ::chmod(file.c_str(), 0640);
  const auto refused = read_secret(file, "privateKeyFile");
  ASSERT_TRUE(std::holds_alternative<config::ConfigError>(refused));
  const std::string words = config::to_string(std::get<config::ConfigError>(refused));
  EXPECT_NE(words.find("chmod 600 " + file), std::string::npos) << words;
  EXPECT_EQ(words.find("AQEB"), std::string::npos) << "the key is in the error";
  ::chmod(file.c_str(), 0400);
  EXPECT_TRUE(std::holds_alternative<tunnel::SecretKey>(read_secret(file, "privateKeyFile")));
  std::ofstream(directory / "bad.key") << "not a key";
  ::chmod((directory / "bad.key").c_str(), 0600);
  EXPECT_TRUE(std::holds_alternative<config::ConfigError>(read_secret((directory / "bad.key").string(), "x")));
}

}  // namespace
}  // namespace isthmus::service
