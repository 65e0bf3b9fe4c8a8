#pragma once
// ICMP errors about packets that die here: the gateway's answers, each to the side that its packet came from.

#include <cstdint>

#include "dataplane/packet/icmp_error.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/time.h"
#include "tunnel/session.h"

namespace isthmus::pipeline {

class Replies {
 public:
  PacketBurst burst;     // to the cluster, data at their IP header; sent back through the cluster port after the walk
  PacketBurst to_peers;  // to peers, data at their inner IP header; walk outbound from seal on after the walk

  // `packet` dies for `reason`; where it deserves an answer and the rate allows one, its memory becomes the answer.
  void answer(Packet& packet, DropReason reason, IcmpErrorKind kind, Ipv4Address sender, std::uint16_t mtu,
              Instant now);

  // The same for a packet that came out of the tunnel and is not translated yet. It goes back through `sending`, the
  // session of its lane, if one stands.
  //
  // The answer's sender is the address that the packet was for. That one alone is certain to be understood at the other
  // end: the peer has sent there, so it lets that address speak, whatever of us its maps leave out; and the map that
  // turns the answer's source into what its pods know is the one that turns the quoted destination back into what the
  // pod wrote. An address of our own is in none of the peer's maps, or in another one.
  void answer_peer(Packet& packet, DropReason reason, IcmpErrorKind kind, tunnel::Session* sending, Instant now);

 private:
  // RFC 1812 section 4.3.2.8: a token bucket, kPerSecond tokens wide. One for each side: peers that ask too much leave
  // our own pods their answers.
  class Rate {
   public:
    bool allows(Instant now);

   private:
    static constexpr std::int64_t kPerSecond = 1000;
    std::int64_t tokens_ = kPerSecond;
    Instant refilled_{};
  };

  Rate to_cluster_rate_;
  Rate to_peers_rate_;
};

}  // namespace isthmus::pipeline
