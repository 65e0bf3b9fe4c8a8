#pragma once
// A network interface of the kernel as a DPDK port, through a packet socket (net_af_packet).

#include <cstdint>
#include <string>
#include <vector>

namespace isthmus::io {

struct AfPacketDevice {
  std::string devargs;
  std::uint16_t largest_frame = 0;  // a buffer must hold this much
};

// `index` tells the ports of one process apart. Slots are made for the MTU that the interface has now: a longer frame
// arrives cut. Throws std::system_error when there is no such interface.
AfPacketDevice af_packet_device(const std::string& interface, unsigned index, std::uint16_t queues);

// The packet sockets that DPDK has opened for receiving since the last call. A thread with nothing to do can sleep on
// them. One thread opens ports.
std::vector<int> take_receive_descriptors();

// Frames that found this packet socket's ring full since the last call. 0 for other descriptors.
std::uint64_t take_missed_frames(int descriptor);

}  // namespace isthmus::io
