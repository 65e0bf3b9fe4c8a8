#include "dataplane/io/af_packet.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace isthmus::io {

namespace {

// Seen by setsockopt below.
std::vector<int> receive_descriptors;

unsigned interface_mtu(const std::string& interface) {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  const int result = descriptor < 0 ? -1 : ::ioctl(descriptor, SIOCGIFMTU, &request);
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (result < 0) throw std::system_error(error, std::generic_category(), "interface " + interface);
  return static_cast<unsigned>(request.ifr_mtu);
}

}  // namespace

AfPacketDevice af_packet_device(const std::string& interface, unsigned index, std::uint16_t queues) {
  // A frame longer than framesz is cut silently, so a slot holds the MTU, Ethernet, a VLAN tag and the ring's own
  // header.
  const unsigned slot = std::clamp(std::bit_ceil(interface_mtu(interface) + 18 + 128), 2048U, 32768U);
  const unsigned block = std::max(4096U, slot);
  // 40 ms of 200 000 frames a second: so long a worker that shares its core may have to wait for its turn.
  constexpr unsigned kRingBytes = 16U << 20;
  return {"net_af_packet" + std::to_string(index) + ",iface=" + interface + ",qpairs=" + std::to_string(queues) +
              ",blocksz=" + std::to_string(block) + ",framesz=" + std::to_string(slot) +
              ",framecnt=" + std::to_string(kRingBytes / slot) + ",qdisc_bypass=1",
          static_cast<std::uint16_t>(slot)};
}

std::vector<int> take_receive_descriptors() { return std::exchange(receive_descriptors, {}); }

std::uint64_t take_missed_frames(int descriptor) {
  tpacket_stats statistics{};
  socklen_t length = sizeof statistics;
  // The kernel begins anew from zero with each answer.
  const bool told = ::getsockopt(descriptor, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) == 0;
  return told ? statistics.tp_drops : 0;
}

static void remember_receive_descriptor(int descriptor) { receive_descriptors.push_back(descriptor); }

}  // namespace isthmus::io

// DPDK's driver joins its sockets to a fanout group with PACKET_FANOUT_FLAG_DEFRAG and offers no way to say otherwise:
// the kernel would then put IP fragments together into datagrams of up to 64 KiB, which do not fit a slot and arrive
// cut. A gateway forwards fragments as they are, so this flag never reaches the kernel. Nor does the driver tell its
// descriptors; that of a receive ring is remembered here. The driver's calls find this definition before the C
// library's because the executable exports it (CMakeLists.txt).
extern "C" int setsockopt(int descriptor, int level, int option, const void* value, socklen_t length) noexcept {
  int fanout = 0;
  if (level == SOL_PACKET && option == PACKET_FANOUT && length == sizeof fanout) {
    std::memcpy(&fanout, value, sizeof fanout);
    fanout &= ~(PACKET_FANOUT_FLAG_DEFRAG << 16);
    value = &fanout;
  }
  const auto result = static_cast<int>(::syscall(SYS_setsockopt, descriptor, level, option, value, length));
  if (result == 0 && level == SOL_PACKET && option == PACKET_RX_RING) {
    isthmus::io::remember_receive_descriptor(descriptor);
  }
  return result;
}
