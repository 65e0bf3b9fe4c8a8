#pragma once
// Packet buffers: DPDK mbufs behind the walks' BufferPool.

#include <cstdint>
#include <string>

#include "dataplane/packet/packet.h"

struct rte_mbuf;
struct rte_mempool;

namespace isthmus::io {

// The memory that all ports and threads share.
class MbufMemory {
 public:
  // `frame` is the largest frame that a port may hand in. Throws std::runtime_error when memory is short.
  MbufMemory(const std::string& name, unsigned count, std::uint16_t frame);
  ~MbufMemory();
  MbufMemory(const MbufMemory&) = delete;
  MbufMemory& operator=(const MbufMemory&) = delete;

  rte_mempool* get() const { return pool_; }

 private:
  rte_mempool* pool_;
};

// One thread's view of it. Any thread may release what another one allocated.
class MbufPool final : public BufferPool {
 public:
  explicit MbufPool(const MbufMemory& memory) : pool_(memory.get()) {}
  bool allocate(Packet& packet) override;
  void release(Packet& packet) override;

 private:
  rte_mempool* pool_;
};

// A received mbuf as a packet, and a packet's bytes back as the mbuf's.
void packet_from_mbuf(rte_mbuf& mbuf, Packet& packet);
rte_mbuf& mbuf_from_packet(const Packet& packet);

}  // namespace isthmus::io
