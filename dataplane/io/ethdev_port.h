#pragma once
// A DPDK Ethernet device as a port of the walks.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/io/mbuf_pool.h"
#include "dataplane/packet/address.h"
#include "dataplane/pipeline/port.h"

namespace isthmus::io {

// The device: probed, configured with `queues` receive and transmit queues, started; stopped and removed at the end.
class EthdevDevice {
 public:
  // `devargs` as DPDK takes them: "net_af_packet0,iface=eth0", "net_memif0,role=client", "0000:3b:00.0", or the name of
  // a device that exists already. Throws std::runtime_error with the device and what DPDK said.
  // `mac`: instead of the device's own.
  EthdevDevice(const std::string& devargs, const MbufMemory& memory, std::uint16_t queues,
               const std::optional<MacAddress>& mac);
  ~EthdevDevice();
  EthdevDevice(const EthdevDevice&) = delete;
  EthdevDevice& operator=(const EthdevDevice&) = delete;

  std::uint16_t id() const { return id_; }
  MacAddress mac() const;
  // Frames that came when the receive rings were full: no worker has seen them. One thread asks.
  std::uint64_t missed();
  const std::string& devargs() const { return devargs_; }
  // What becomes readable when a frame comes; empty: the device has nothing to wait for.
  const std::vector<int>& descriptors() const { return descriptors_; }

 private:
  void remove();
  void configure(const MbufMemory& memory, std::uint16_t queues, const std::optional<MacAddress>& mac);

  std::string devargs_;
  std::vector<int> descriptors_;
  std::uint64_t missed_by_sockets_ = 0;
  std::uint16_t id_ = 0;
  bool probed_ = false;
};

// One worker's queues of a device.
class EthdevPort final : public pipeline::Port {
 public:
  EthdevPort(const EthdevDevice& device, std::uint16_t queue) : id_(device.id()), queue_(queue) {}
  void receive(PacketBurst& burst) override;
  std::size_t transmit(PacketBurst& burst) override;

 private:
  std::uint16_t id_;
  std::uint16_t queue_;
};

}  // namespace isthmus::io
