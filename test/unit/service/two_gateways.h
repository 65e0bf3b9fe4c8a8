#pragma once
// Two whole gateways in memory: documents applied, neighbours resolved, handshakes made, packets held and forwarded.
// Only DPDK, clocks and the wire between them are made up.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "dataplane/packet/neighbour_messages.h"
#include "dataplane/service/gateway.h"
#include "test/support/memory_gateway.h"

namespace isthmus::service {

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
  std::uint64_t cluster_missed() override { return 3; }
  std::uint64_t underlay_missed() override { return 5; }
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

inline const PacketBuilder kPing = PacketBuilder().ipv4("10.244.1.5", "10.71.2.7").echo_request(1, 1).payload("ping");

}  // namespace isthmus::service
