#include "dataplane/io/engine.h"

#include <algorithm>

namespace isthmus::io {
namespace {

std::uint16_t largest_frame(const EngineOptions& options) {
  return std::max(options.cluster.largest_frame, options.underlay.largest_frame);
}

// As many as fit into what EAL reserves, with room for rings and tables.
unsigned buffers_for(std::uint16_t frame) {
  constexpr unsigned kBytes = 64U << 20;
  constexpr unsigned kOverhead = 512;  // mbuf, headroom, tailroom, alignment
  return std::min(16384U, kBytes / (frame + kOverhead));
}

// Nothing, unless every port has something to wait for.
std::vector<int> sleep_on(const EthdevDevice& cluster, const EthdevDevice& underlay) {
  if (cluster.descriptors().empty() || underlay.descriptors().empty()) return {};
  std::vector<int> all = cluster.descriptors();
  all.insert(all.end(), underlay.descriptors().begin(), underlay.descriptors().end());
  return all;
}

}  // namespace

Engine::Engine(const EngineOptions& options, pipeline::Shared& shared)
    : memory_("packets", buffers_for(largest_frame(options)), largest_frame(options)),
      service_pool_(memory_),
      cluster_(options.cluster.devargs, memory_, kWorkers, options.cluster.mac),
      underlay_(options.underlay.devargs, memory_, kWorkers, options.underlay.mac),
      quiescence_(kWorkers) {
  for (unsigned index = 0; index < kWorkers; ++index) {
    pools_.push_back(std::make_unique<MbufPool>(memory_));
    walkers_.push_back(
        std::make_unique<pipeline::Walker>(shared, index, tunnel::make_burst_aead(options.aead), *pools_.back()));
    walkers_.back()->cluster_port_has_kernel = options.cluster.has_kernel;
    walkers_.back()->underlay_port_has_kernel = options.underlay.has_kernel;
    const auto queue = static_cast<std::uint16_t>(index);
    EthdevPort& cluster = *ports_.emplace_back(std::make_unique<EthdevPort>(cluster_, queue));
    EthdevPort& underlay = *ports_.emplace_back(std::make_unique<EthdevPort>(underlay_, queue));
    workers_.push_back(std::make_unique<pipeline::Worker>(*walkers_.back(), cluster, underlay));
    threads_.push_back(std::make_unique<WorkerThread>(*workers_.back(), walkers_.back()->mailbox, quiescence_, index,
                                                      options.doorbell, sleep_on(cluster_, underlay_)));
  }
}

Engine::~Engine() { stop(); }

void Engine::set_polling(Polling polling) {
  for (const auto& thread : threads_) thread->set_polling(polling);
}

}  // namespace isthmus::io
