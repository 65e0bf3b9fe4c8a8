#pragma once
// Who speaks behind an address that many share: each sender's port, and the port that it has there. A mapping does not
// depend on whom the sender talks to, and whoever may reach the address at all may answer (RFC 4787 REQ-1 and REQ-8,
// both endpoint-independent): so a flow here is one sender's port, not one conversation.

#include <cstdint>
#include <vector>

#include "dataplane/packet/drop_reason.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/time.h"
#include "nat/hash_chains.h"
#include "nat/prefix_map.h"

namespace isthmus::nat {

inline constexpr Duration kUdpIdle = std::chrono::minutes(5);                          // RFC 4787 REQ-5
inline constexpr Duration kTcpIdle = std::chrono::hours(2) + std::chrono::minutes(4);  // RFC 5382 REQ-5
inline constexpr Duration kTcpTransitoryIdle = std::chrono::minutes(4);  // RFC 5382 REQ-5, RFC 7857 section 2
inline constexpr Duration kIcmpIdle = std::chrono::seconds(60);          // RFC 5508 REQ-2

// A sender's end of its flows with one peer. ICMP echo has an identifier where others have a port.
struct FlowSender {
  PeerIndex peer = kNoPeer;
  Ipv4Address address;
  IpProtocol protocol{};
  std::uint16_t port = 0;
  auto operator<=>(const FlowSender&) const = default;
};

// `kAnswered`: the other side was heard, and may have been an RST; what the sender says next decides.
enum class TcpState : std::uint8_t { kOpening, kAnswered, kEstablished, kClosing };

struct Flow {
  PrefixMap map;  // the sender's address alone -> the shared one: what rewrite needs
  FlowSender sender;
  std::uint16_t port = 0;  // at the shared address
  TcpState tcp = TcpState::kOpening;
  std::uint32_t source = 0;  // place in the table's sources
  Instant ends;              // dead from then on

  // The sender speaks: only this keeps a flow alive, so that a peer cannot (RFC 4787 REQ-6). `tcp_flags`: of TCP only.
  void sent(std::uint8_t tcp_flags, Instant now);
  // The other side speaks. Its RST makes an idle flow end early, its FIN does not: our sender's own follows.
  void received(std::uint8_t tcp_flags, Instant now);
};

// One a worker: no locks, and nothing is allocated after construction.
class FlowTable {
 public:
  static constexpr std::uint32_t kFlows = 32768;
  static constexpr std::uint32_t kFlowsPerSource = 4096;  // one address' towards all peers
  static constexpr std::uint16_t kFirstPort = 1024;       // ports below it are never given

  explicit FlowTable(std::uint32_t capacity = kFlows, std::uint32_t per_source = kFlowsPerSource);

  // The sender's flow; a new one if it has none. nullptr: `refusal` says why.
  Flow* open(const FlowSender& sender, Ipv4Address shared, Instant now, DropReason& refusal);
  // nullptr: there is none. Flows of an address that is not the peer's shared one any more are none.
  Flow* of_sender(const FlowSender& sender, Ipv4Address shared, Instant now);
  Flow* of_port(PeerIndex peer, Ipv4Address shared, IpProtocol protocol, std::uint16_t port, Instant now);

  // Looks at the next `places` places and forgets the flows there that have ended. Those that live stay where they are.
  void expire(std::uint32_t places, Instant now);
  std::size_t size() const { return flows_.size() - free_.size(); }

 private:
  struct Source {
    Ipv4Address address;
    std::uint32_t flows = 0;
  };

  std::uint32_t find_source(Ipv4Address address) const;
  bool choose_port(const FlowSender& sender, Ipv4Address shared, Instant now, std::uint16_t& port);
  Flow* living(std::uint32_t place, Ipv4Address shared, Instant now);
  void forget(std::uint32_t place);

  const std::uint32_t per_source_;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> free_;
  HashChains by_sender_;
  HashChains by_port_;
  std::vector<Source> sources_;
  std::vector<std::uint32_t> free_sources_;
  HashChains by_source_;
  std::uint32_t hand_ = 0;  // where expire goes on
};

}  // namespace isthmus::nat
