#include "dataplane/io/ethdev_port.h"

#include "dataplane/io/af_packet.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace isthmus::io {
namespace {

constexpr std::uint16_t kRing = 1024;

std::runtime_error failure(const std::string& devargs, const char* what, int error) {
  return std::runtime_error("port " + devargs + ": " + what + ": " + rte_strerror(error < 0 ? -error : error));
}

void check(int result, const std::string& devargs, const char* what) {
  if (result < 0) throw failure(devargs, what, result);
}

std::string device_name(const std::string& devargs) { return devargs.substr(0, devargs.find(',')); }

}  // namespace

EthdevDevice::EthdevDevice(const std::string& devargs, const MbufMemory& memory, std::uint16_t queues,
                           const std::optional<MacAddress>& mac)
    : devargs_(devargs) {
  const std::string name = device_name(devargs);
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id_) != 0) {
    take_receive_descriptors();
    check(rte_dev_probe(devargs.c_str()), devargs, "cannot be opened");
    descriptors_ = take_receive_descriptors();
    probed_ = true;
    check(rte_eth_dev_get_port_by_name(name.c_str(), &id_), devargs, "was opened but is no Ethernet device");
  }
  try {
    configure(memory, queues, mac);
  } catch (...) {
    remove();
    throw;
  }
}

void EthdevDevice::configure(const MbufMemory& memory, std::uint16_t queues, const std::optional<MacAddress>& mac) {
  rte_eth_dev_info info{};
  check(rte_eth_dev_info_get(id_, &info), devargs_, "does not describe itself");
  if (queues > info.max_rx_queues || queues > info.max_tx_queues) {
    throw std::runtime_error("port " + devargs_ + ": has fewer queues than workers");
  }
  rte_eth_conf conf{};
  check(rte_eth_dev_configure(id_, queues, queues, &conf), devargs_, "cannot be configured");
  std::uint16_t receive = kRing;
  std::uint16_t transmit = kRing;
  check(rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive, &transmit), devargs_, "refuses its ring sizes");
  const int socket = rte_eth_dev_socket_id(id_);
  const auto node = static_cast<unsigned>(socket < 0 ? SOCKET_ID_ANY : socket);
  for (std::uint16_t queue = 0; queue < queues; ++queue) {
    check(rte_eth_rx_queue_setup(id_, queue, receive, node, nullptr, memory.get()), devargs_, "has no receive queue");
    check(rte_eth_tx_queue_setup(id_, queue, transmit, node, nullptr), devargs_, "has no transmit queue");
  }
  if (mac) {
    rte_ether_addr address{};
    std::memcpy(address.addr_bytes, mac->bytes.data(), mac->bytes.size());
    check(rte_eth_dev_default_mac_addr_set(id_, &address), devargs_, "does not take another MAC address");
  }
  check(rte_eth_dev_start(id_), devargs_, "does not start");
}

EthdevDevice::~EthdevDevice() {
  rte_eth_dev_stop(id_);
  remove();
}

// Off its bus as well: a device that stays there cannot be probed again, when a document is applied once more.
void EthdevDevice::remove() {
  rte_eth_dev_info info{};
  const bool known = rte_eth_dev_info_get(id_, &info) == 0;
  rte_eth_dev_close(id_);
  if (probed_ && known && info.device != nullptr) rte_dev_remove(info.device);
}

MacAddress EthdevDevice::mac() const {
  rte_ether_addr address{};
  rte_eth_macaddr_get(id_, &address);
  MacAddress mac;
  std::memcpy(mac.bytes.data(), address.addr_bytes, mac.bytes.size());
  return mac;
}

// A driver that asks its packet sockets itself takes their answers: then they are in its own count.
std::uint64_t EthdevDevice::missed() {
  rte_eth_stats statistics{};
  rte_eth_stats_get(id_, &statistics);
  for (const int descriptor : descriptors_) missed_by_sockets_ += take_missed_frames(descriptor);
  return statistics.imissed + missed_by_sockets_;
}

void EthdevPort::receive(PacketBurst& burst) {
  std::array<rte_mbuf*, kBurst> mbufs;
  const std::uint16_t count = rte_eth_rx_burst(id_, queue_, mbufs.data(), kBurst);
  for (std::uint16_t i = 0; i < count; ++i) {
    rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void*));
    packet_from_mbuf(*mbufs[i], burst.add());
  }
}

std::size_t EthdevPort::transmit(PacketBurst& burst) {
  std::array<rte_mbuf*, kBurst> mbufs;
  std::array<Packet*, kBurst> packets;
  std::uint16_t count = 0;
  std::size_t sent = 0;
  const auto flush = [&] {
    const std::uint16_t gone = rte_eth_tx_burst(id_, queue_, mbufs.data(), count);
    for (std::uint16_t i = 0; i < count; ++i) {
      if (i < gone) {
        packets[i]->buffer = nullptr;
      } else {
        packets[i]->drop = DropReason::kTransmitFull;
      }
    }
    sent += gone;
    count = 0;
  };
  burst.each([&](Packet& packet) {
    packets[count] = &packet;
    mbufs[count++] = &mbuf_from_packet(packet);
    if (count == kBurst) flush();
  });
  flush();
  return sent;
}

}  // namespace isthmus::io
