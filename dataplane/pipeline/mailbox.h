#pragma once
// What a worker and the service thread hand to each other: packets that leave or rejoin a walk, and news of a session.

#include <array>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <span>

#include "dataplane/packet/address.h"
#include "dataplane/packet/packet.h"
#include "dataplane/pipeline/counters.h"
#include "tunnel/wire.h"

namespace isthmus::pipeline {

struct ToService {
  enum class Kind : std::uint8_t {
    kPacket,     // packet.punt says why; its memory goes with it
    kConfirmed,  // first authenticated message of the session `local_index`
    kRoamed,     // `lane` was heard authentically from `endpoint`
  };
  Kind kind = Kind::kPacket;
  Direction direction = Direction::kOutbound;  // kPacket: the walk that it left
  PeerIndex peer = kNoPeer;                    // kPacket
  LaneId lane{};
  std::uint32_t local_index = 0;
  Endpoint endpoint{};
  Packet packet{};
};

struct ToWorker {
  enum class Kind : std::uint8_t {
    kTransmitCluster,   // a frame of the service thread's own
    kTransmitUnderlay,  // the same
    kResumeOutbound,    // data at the IP header as the cluster sent it: walks outbound from route_to_peer on
    kResumeInbound,     // data at the translated IP header: walks inbound from resolve_next_hop on
  };
  Kind kind = Kind::kTransmitUnderlay;
  Packet packet{};
};

// A message that the gate has admitted. A copy, so that a full queue holds no packet's memory.
struct HandshakeMessage {
  Endpoint source;
  std::uint16_t port = 0;  // of ours, that it came to
  std::uint16_t length = 0;
  std::array<std::uint8_t, sizeof(tunnel::MessageInitiation)> bytes;  // the longest of them

  std::span<const std::uint8_t> message() const { return {bytes.data(), length}; }
};

// One a worker. Each end is one thread's; a full queue refuses. Handshakes are so much dearer than anything else that
// they have a queue of their own: nobody waits behind them.
class Mailbox {
 public:
  bool to_service(const ToService& item) { return to_service_.push(item); }
  bool to_worker(const ToWorker& item) { return to_worker_.push(item); }
  bool take_for_service(ToService& item) { return to_service_.pop(item); }
  bool take_for_worker(ToWorker& item) { return to_worker_.pop(item); }
  bool handshake_to_service(const HandshakeMessage& message) { return handshakes_.push(message); }
  bool take_handshake(HandshakeMessage& message) { return handshakes_.pop(message); }

  // Asked by the worker
  bool service_has_mail() const { return to_service_.read_available() != 0 || handshakes_.read_available() != 0; }
  // What is left of the queue is for those who prove where they are.
  bool handshakes_pile_up() const { return handshakes_.write_available() <= kHandshakes - kHandshakes / 8; }
  bool worker_has_mail() const { return to_worker_.write_available() != kCapacity; }  // asked by the service thread

 private:
  static constexpr std::size_t kCapacity = 2048;
  static constexpr std::size_t kHandshakes = 4096;

  boost::lockfree::spsc_queue<ToService, boost::lockfree::capacity<kCapacity>> to_service_;
  boost::lockfree::spsc_queue<ToWorker, boost::lockfree::capacity<kCapacity>> to_worker_;
  boost::lockfree::spsc_queue<HandshakeMessage> handshakes_{kHandshakes};
};

}  // namespace isthmus::pipeline
