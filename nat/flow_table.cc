#include "nat/flow_table.h"

#include <algorithm>
#include <numeric>

namespace isthmus::nat {
namespace {

// The finalizer of MurmurHash3: every bit of the input reaches every bit of the output.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdU;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53U;
  return value ^ (value >> 33);
}

std::uint64_t hash_of_port(PeerIndex peer, IpProtocol protocol, std::uint16_t port) {
  return mix((std::uint64_t{static_cast<std::uint32_t>(peer)} << 32) |
             (std::uint64_t{static_cast<std::uint8_t>(protocol)} << 16) | port);
}
std::uint64_t hash_of_source(Ipv4Address address) { return mix(address.value); }
std::uint64_t hash_of_sender(const FlowSender& sender) {
  return mix(hash_of_port(sender.peer, sender.protocol, sender.port) ^ sender.address.value);
}

std::vector<std::uint32_t> all_places(std::uint32_t count) {
  std::vector<std::uint32_t> places(count);
  std::iota(places.rbegin(), places.rend(), 0U);
  return places;
}

Duration idle_time(const Flow& flow) {
  switch (flow.sender.protocol) {
    case IpProtocol::kTcp:
      return flow.tcp == TcpState::kEstablished ? kTcpIdle : kTcpTransitoryIdle;
    case IpProtocol::kUdp:
      return kUdpIdle;
    default:
      return kIcmpIdle;
  }
}

}  // namespace

void Flow::sent(std::uint8_t tcp_flags, Instant now) {
  if ((tcp_flags & (TcpHeader::kFin | TcpHeader::kRst)) != 0) {
    tcp = TcpState::kClosing;
  } else if ((tcp_flags & TcpHeader::kSyn) != 0) {
    tcp = TcpState::kOpening;
  } else if (tcp == TcpState::kAnswered) {
    tcp = TcpState::kEstablished;
  }
  ends = now + idle_time(*this);
}

void Flow::received(std::uint8_t tcp_flags, Instant now) {
  if (sender.protocol != IpProtocol::kTcp) return;
  if ((tcp_flags & TcpHeader::kRst) != 0 && tcp == TcpState::kEstablished) {
    tcp = TcpState::kAnswered;
    ends = std::min(ends, now + kTcpTransitoryIdle);
  } else if (tcp == TcpState::kOpening) {
    tcp = TcpState::kAnswered;
  }
}

FlowTable::FlowTable(std::uint32_t capacity, std::uint32_t per_source)
    : per_source_(per_source),
      flows_(capacity),
      free_(all_places(capacity)),
      by_sender_(capacity),
      by_port_(capacity),
      sources_(capacity),
      free_sources_(all_places(capacity)),
      by_source_(capacity) {}

std::uint32_t FlowTable::find_source(Ipv4Address address) const {
  return by_source_.find(hash_of_source(address), [&](std::uint32_t at) { return sources_[at].address == address; });
}

Flow* FlowTable::living(std::uint32_t place, Ipv4Address shared, Instant now) {
  if (place == HashChains::kNone) return nullptr;
  Flow& flow = flows_[place];
  if (flow.ends > now && flow.map.seen_as.network == shared) return &flow;
  forget(place);
  return nullptr;
}

Flow* FlowTable::of_sender(const FlowSender& sender, Ipv4Address shared, Instant now) {
  const auto same = [&](std::uint32_t place) { return flows_[place].sender == sender; };
  return living(by_sender_.find(hash_of_sender(sender), same), shared, now);
}

Flow* FlowTable::of_port(PeerIndex peer, Ipv4Address shared, IpProtocol protocol, std::uint16_t port, Instant now) {
  const auto same = [&](std::uint32_t place) {
    const Flow& flow = flows_[place];
    return flow.port == port && flow.sender.peer == peer && flow.sender.protocol == protocol;
  };
  return living(by_port_.find(hash_of_port(peer, protocol, port), same), shared, now);
}

// The sender's own port if nobody has it (RFC 4787 section 4.2.1), or else one that its own leads to. Even a full table
// leaves half of the ports free, so that so many tries do not fail.
bool FlowTable::choose_port(const FlowSender& sender, Ipv4Address shared, Instant now, std::uint16_t& port) {
  constexpr std::uint64_t kPorts = 65536 - kFirstPort;
  constexpr std::uint64_t kTries = 64;
  const std::uint64_t hash = hash_of_sender(sender);
  port = sender.port;
  for (std::uint64_t tries = 0; tries < kTries; ++tries) {
    if (port >= kFirstPort && of_port(sender.peer, shared, sender.protocol, port, now) == nullptr) return true;
    port = static_cast<std::uint16_t>(kFirstPort + mix(hash + tries) % kPorts);
  }
  return false;
}

Flow* FlowTable::open(const FlowSender& sender, Ipv4Address shared, Instant now, DropReason& refusal) {
  constexpr std::uint32_t kLookedAtWhenFull = 64;
  if (Flow* flow = of_sender(sender, shared, now)) return flow;
  if (free_.empty()) expire(kLookedAtWhenFull, now);
  std::uint16_t port = 0;
  if (free_.empty() || !choose_port(sender, shared, now, port)) {
    refusal = DropReason::kFlowTableFull;
    return nullptr;
  }
  std::uint32_t source = find_source(sender.address);
  if (source == HashChains::kNone) {
    source = free_sources_.back();
    free_sources_.pop_back();
    sources_[source] = {sender.address, 0};
    by_source_.insert(hash_of_source(sender.address), source);
  } else if (sources_[source].flows >= per_source_) {
    refusal = DropReason::kSourceFlowsFull;
    return nullptr;
  }
  ++sources_[source].flows;
  const std::uint32_t place = free_.back();
  free_.pop_back();
  flows_[place] = {.map = make_prefix_map({sender.address, 32}, {shared, 32}),
                   .sender = sender,
                   .port = port,
                   .source = source,
                   .ends = now};
  flows_[place].sent(TcpHeader::kSyn, now);
  by_sender_.insert(hash_of_sender(sender), place);
  by_port_.insert(hash_of_port(sender.peer, sender.protocol, port), place);
  return &flows_[place];
}

void FlowTable::forget(std::uint32_t place) {
  Flow& flow = flows_[place];
  by_sender_.remove(hash_of_sender(flow.sender), place);
  by_port_.remove(hash_of_port(flow.sender.peer, flow.sender.protocol, flow.port), place);
  if (--sources_[flow.source].flows == 0) {
    by_source_.remove(hash_of_source(flow.sender.address), flow.source);
    free_sources_.push_back(flow.source);
  }
  flow.ends = kNever;
  free_.push_back(place);
}

void FlowTable::expire(std::uint32_t places, Instant now) {
  for (; places != 0 && size() != 0; --places) {
    if (flows_[hand_].ends != kNever && flows_[hand_].ends <= now) forget(hand_);
    hand_ = hand_ + 1 == flows_.size() ? 0 : hand_ + 1;
  }
}

}  // namespace isthmus::nat
