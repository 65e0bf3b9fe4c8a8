#pragma once
// What the service thread asks of whoever moves packets: dataplane/io in the gateway, memory in tests.

#include <memory>
#include <span>

#include "dataplane/config/validated_config.h"
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/published.h"
#include "dataplane/pipeline/walker.h"
#include "dataplane/service/next_hop_source.h"

namespace isthmus::service {

// Service thread only.
class Forwarder {
 public:
  virtual ~Forwarder() = default;

  // Opens the ports and starts the workers, which have nothing to walk on until tables are published. Called once.
  // Throws std::exception with a sentence for the administrator, and has then changed nothing.
  virtual void start(const config::ValidatedConfig& config, pipeline::Shared& shared) = 0;
  virtual void set_polling(config::Polling polling) = 0;

  // The rest only after start.
  virtual std::span<const std::unique_ptr<pipeline::Walker>> walkers() = 0;
  virtual BufferPool& pool() = 0;  // the service thread's own
  virtual pipeline::Reclaimer& reclaimer() = 0;
  virtual MacAddress cluster_mac() const = 0;
  virtual MacAddress underlay_mac() const = 0;
  // Frames that came when the port's receive rings were full, so that no worker has seen them.
  virtual std::uint64_t cluster_missed() = 0;
  virtual std::uint64_t underlay_missed() = 0;
  virtual std::string memory() const = 0;  // "hugepages" | "ordinary pages"
};

}  // namespace isthmus::service
