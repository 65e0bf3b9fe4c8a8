// Publishing against a worker that reads: tables, next hops and sessions are replaced as fast as one thread can, while
// another forwards. Run under ThreadSanitizer and AddressSanitizer: what is freed too early shows there.

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "dataplane/io/quiescence.h"
#include "test/support/walk_world.h"

namespace isthmus::test {
namespace {

// Receives the same frame for ever; remembers which nonces went out.
class EndlessPort final : public pipeline::Port {
 public:
  EndlessPort(Bytes frame, BufferPool& pool) : frame_(std::move(frame)), pool_(pool) {}

  void receive(PacketBurst& burst) override {
    for (std::size_t i = 0; i < 8; ++i) {
      Packet& packet = burst.add();
      if (!pool_.allocate(packet)) std::abort();
      packet.resize(frame_.size());
      std::ranges::copy(frame_, packet.data);
    }
  }
  std::size_t transmit(PacketBurst& burst) override {
    std::size_t sent = 0;
    burst.each([&](Packet& packet) {
      const auto& data = *packet.header<tunnel::DataHeader>(sizeof(pipeline::OuterIpv4));
      EXPECT_TRUE(nonces.emplace(data.receiver_index, data.counter).second) << "a nonce was used twice";
      pool_.release(packet);
      ++sent;
    });
    return sent;
  }

  std::set<std::pair<std::uint32_t, std::uint64_t>> nonces;

 private:
  const Bytes frame_;
  BufferPool& pool_;  // the worker's: everything happens on its thread
};

TEST(Publish, WorkerNeverSeesWhatIsFreed) {
  WalkWorld world;
  io::Quiescence quiescence(1);
  EndlessPort cluster(WalkWorld::from_pod().udp(1, 2).payload("data").bytes(), world.near.pool);
  EndlessPort underlay(WalkWorld::on_underlay().payload("noise").bytes(), world.near.pool);
  pipeline::Worker worker(world.near.walker, cluster, underlay);

  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> rounds{0};
  std::thread forwarding([&] {
    quiescence.online(0);
    while (!stop.load()) {
      worker.run_once(world.now);
      quiescence.quiescent(0);
      rounds.fetch_add(1);
    }
    quiescence.offline(0);
  });

  tunnel::PeerLink& link = world.near.shared.peers[0]->lane(0).link;
  const config::ValidatedConfig config = WalkWorld::near_config();
  const PeerIndex place{0};
  std::uint64_t published = 0;
  for (; published < 300 || rounds.load() < 300; ++published) {
    world.near.shared.tables.publish(
        std::make_unique<pipeline::ForwardingTables>(config::compile(config, std::span(&place, 1))), quiescence);
    // A rekey: a new session takes over, the old one leaves table and link and is freed when nobody can hold it.
    auto& sessions = world.near.shared.sessions;
    const std::uint32_t index = sessions.reserve_index(static_cast<std::uint32_t>(published * 2654435761U));
    auto* fresh =
        new tunnel::Session({place, 0}, index, static_cast<std::uint32_t>(1000 + published), true, {}, kStart);
    sessions.insert(*fresh);
    tunnel::Session* old = link.sending.exchange(fresh, std::memory_order_acq_rel);
    if (published > 0) {
      sessions.remove(*old);
      quiescence.retire([old] { delete old; });
    }
    quiescence.poll();
    std::this_thread::yield();
  }
  stop = true;
  forwarding.join();
  quiescence.poll();
  EXPECT_GT(underlay.nonces.size(), 1000U);
  EXPECT_EQ(world.near.imbalance(pipeline::Direction::kOutbound), "");
  tunnel::Session* last = link.sending.exchange(nullptr);
  world.near.shared.sessions.remove(*last);
  delete last;
}

// Proves the oracle: nothing retired is freed while a worker may hold it.
TEST(Publish, RetiredWaitsForTheWorker) {
  io::Quiescence quiescence(1);
  quiescence.online(0);
  bool freed = false;
  quiescence.retire([&] { freed = true; });
  quiescence.poll();
  EXPECT_FALSE(freed) << "the worker has not been quiescent since";
  quiescence.quiescent(0);
  quiescence.poll();
  EXPECT_TRUE(freed);
  freed = false;
  quiescence.offline(0);
  quiescence.retire([&] { freed = true; });
  quiescence.poll();
  EXPECT_TRUE(freed) << "an offline worker holds nothing";
}

}  // namespace
}  // namespace isthmus::test
