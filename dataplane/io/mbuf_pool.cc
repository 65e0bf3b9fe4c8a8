#include "dataplane/io/mbuf_pool.h"

#include <rte_errno.h>
#include <rte_mbuf.h>

#include <stdexcept>

namespace isthmus::io {

static_assert(RTE_PKTMBUF_HEADROOM >= BufferPool::kHeadroom);

MbufMemory::MbufMemory(const std::string& name, unsigned count, std::uint16_t frame) {
  // Behind a frame the tunnel needs room for padding and tag.
  const auto room = static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + frame + 64);
  constexpr unsigned kCache = 256;
  pool_ = rte_pktmbuf_pool_create(name.c_str(), count, kCache, 0, room, SOCKET_ID_ANY);
  if (pool_ == nullptr) {
    throw std::runtime_error("no memory for " + std::to_string(count) + " packet buffers of " + std::to_string(room) +
                             " bytes: " + rte_strerror(rte_errno));
  }
}

MbufMemory::~MbufMemory() { rte_mempool_free(pool_); }

bool MbufPool::allocate(Packet& packet) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
  if (mbuf == nullptr) return false;
  packet_from_mbuf(*mbuf, packet);
  return true;
}

void MbufPool::release(Packet& packet) {
  rte_pktmbuf_free(static_cast<rte_mbuf*>(packet.buffer));
  packet.buffer = nullptr;
}

void packet_from_mbuf(rte_mbuf& mbuf, Packet& packet) {
  packet.buffer = &mbuf;
  packet.data = rte_pktmbuf_mtod(&mbuf, std::uint8_t*);
  packet.length = mbuf.data_len;
  packet.headroom = rte_pktmbuf_headroom(&mbuf);
  packet.tailroom = rte_pktmbuf_tailroom(&mbuf);
  if (mbuf.nb_segs > 1) packet.drop = DropReason::kFrameScattered;
}

rte_mbuf& mbuf_from_packet(const Packet& packet) {
  auto& mbuf = *static_cast<rte_mbuf*>(packet.buffer);
  mbuf.data_off = packet.headroom;
  mbuf.data_len = static_cast<std::uint16_t>(packet.length);
  mbuf.pkt_len = packet.length;
  return mbuf;
}

}  // namespace isthmus::io
