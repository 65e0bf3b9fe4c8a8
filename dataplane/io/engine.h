#pragma once
// Ports and workers of a running gateway, put together.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/io/ethdev_port.h"
#include "dataplane/io/mbuf_pool.h"
#include "dataplane/io/quiescence.h"
#include "dataplane/io/worker_thread.h"
#include "dataplane/pipeline/walker.h"
#include "dataplane/pipeline/worker.h"

namespace isthmus::io {

struct EnginePort {
  std::string devargs;
  std::optional<MacAddress> mac;  // instead of the device's own
  bool has_kernel = false;
  std::uint16_t largest_frame = 2048;
};

struct EngineOptions {
  EnginePort cluster;
  EnginePort underlay;
  tunnel::AeadChoice aead = tunnel::AeadChoice::kAuto;
  std::function<void()> doorbell;  // called by workers when the service thread has mail
};

class Engine {
 public:
  // One worker today; everything below it is written for several. Throws std::runtime_error when a port cannot be used.
  Engine(const EngineOptions& options, pipeline::Shared& shared);
  ~Engine();

  // Workers end; ports and memory stay until the end.
  void stop() { threads_.clear(); }

  void set_polling(Polling polling);
  std::span<const std::unique_ptr<pipeline::Walker>> walkers() const { return walkers_; }
  BufferPool& service_pool() { return service_pool_; }
  Quiescence& quiescence() { return quiescence_; }
  MacAddress cluster_mac() const { return cluster_.mac(); }
  MacAddress underlay_mac() const { return underlay_.mac(); }
  std::uint64_t cluster_missed() { return cluster_.missed(); }
  std::uint64_t underlay_missed() { return underlay_.missed(); }

 private:
  static constexpr unsigned kWorkers = 1;

  MbufMemory memory_;
  MbufPool service_pool_;
  std::vector<std::unique_ptr<MbufPool>> pools_;
  EthdevDevice cluster_;
  EthdevDevice underlay_;
  std::vector<std::unique_ptr<EthdevPort>> ports_;
  std::vector<std::unique_ptr<pipeline::Walker>> walkers_;
  std::vector<std::unique_ptr<pipeline::Worker>> workers_;
  Quiescence quiescence_;
  std::vector<std::unique_ptr<WorkerThread>> threads_;  // last: they stop before anything that they use goes
};

}  // namespace isthmus::io
