#pragma once
// One worker's round: what a thread of dataplane/io calls for ever.

#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/port.h"
#include "dataplane/pipeline/walker.h"

namespace isthmus::pipeline {

class Worker {
 public:
  Worker(Walker& walker, Port& cluster, Port& underlay) : walker_(walker), cluster_(cluster), underlay_(underlay) {}

  // Receives one burst from each port and from the service thread and sees every packet to its end: sent, handed over,
  // or counted and freed. Returns whether there was anything to do. After it the worker holds nothing published.
  bool run_once(Instant now);

 private:
  bool walk_port(Direction direction);
  bool walk_mail();
  void walk_mail_burst(ToWorker::Kind kind);
  // Transmits what walked to the end, hands over the punted, counts and frees the dead.
  void settle(PacketBurst& burst, Direction direction, Port& to);
  void send_replies();
  void send_replies_to_peers();
  void send_cookies();
  void count_dead(Packet& packet, Direction direction);
  void hand_over(Packet& packet, Direction direction);
  DropReason post(Packet& packet, Direction direction);
  DropReason post_handshake(const Packet& packet);

  WalkCounters& counters(Direction direction) { return walker_.counters[static_cast<std::size_t>(direction)]; }

  Walker& walker_;
  Port& cluster_;
  Port& underlay_;
  PacketBurst burst_;
};

}  // namespace isthmus::pipeline
