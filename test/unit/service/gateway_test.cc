// Two whole gateways in memory: documents applied, neighbours resolved, handshakes made, packets held and forwarded.
// Only DPDK, clocks and the wire between them are made up.

#include "dataplane/service/gateway.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

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
  EXPECT_EQ(trace(b, 0).trace.size(), pipeline::inbound().size() - 1) << "followed from open on, where it is readable";
  EXPECT_EQ(trace(a, 1, "nonsense").error, "nonsense is not an IPv4 address");

  trace(a, 1);
  pod_sends(a, PacketBuilder(kPing).ipv4("10.244.1.5", "10.99.0.1"));
  settle();
  const std::vector<config::TraceStep> death = trace(a, 0).trace;
  ASSERT_FALSE(death.empty());
  EXPECT_EQ(death.back().stage + ": " + death.back().outcome, "route_to_peer: no_route");
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
