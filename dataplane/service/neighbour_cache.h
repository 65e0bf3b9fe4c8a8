#pragma once
// Who has which address on a link without a kernel: the cache behind ARP and neighbour discovery, without I/O or clock.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "dataplane/packet/address.h"
#include "dataplane/packet/time.h"

namespace isthmus::service {

// An entry is here because we asked for the address, or because its owner asked for ours. What we asked for is probed
// again before it gets old and lives as long as it answers. What merely spoke to us gets old and goes; it has its own,
// smaller room, so that a flood of requests from invented senders cannot take the place of an entry in use.
//
// Whoever speaks for a known address changes its entry (RFC 826's merge; RFC 4861's override): anybody on the link can
// take an address over. This is how a standby takes over from a gateway that died, and every host on the link trusts
// it; a link with hostile hosts needs its switch to guard it, and the tunnel's packets are authenticated anyhow.
class NeighbourCache {
 public:
  static constexpr std::size_t kMaxAsked = 49152;
  static constexpr std::size_t kMaxHeard = 16384;      // spoke to us, never asked for
  static constexpr std::size_t kMaxUnanswered = 4096;  // asked for and not known yet
  static constexpr std::size_t kMaxAsksPerTick = 1024;
  static constexpr Duration kReachableTime = std::chrono::seconds(30);  // RFC 4861 section 10, also the two below
  static constexpr Duration kRetransmitTime = std::chrono::seconds(1);
  static constexpr unsigned kMaxSolicitations = 3;
  static constexpr Duration kFailedTime = std::chrono::seconds(1);  // before a failed address may be asked for again

  // A question that has to be sent now: to one MAC, or to everybody.
  struct Ask {
    IpAddress target;
    std::optional<MacAddress> last_known;
  };

  // nullptr: not known.
  const MacAddress* find(const IpAddress& address) const;
  // We need this neighbour. The question to send, if it is time for one.
  std::optional<Ask> solicit(const IpAddress& address, Instant now);
  // `address` said that it is at `mac`. addressed_to_us: by asking for one of our addresses. True: find() changed.
  bool hear(const IpAddress& address, const MacAddress& mac, bool addressed_to_us, Instant now);

  struct Due {
    std::vector<Ask> asks;
    bool changed = false;  // find() forgot somebody
  };
  // Call about four times a second.
  Due tick(Instant now);

  std::size_t size() const { return entries_.size(); }
  template <typename Visit>  // void(const IpAddress&, const MacAddress&)
  void each_known(Visit&& visit) const {
    for (const auto& [address, entry] : entries_) {
      if (usable(entry)) visit(address, entry.mac);
    }
  }

 private:
  enum class State : std::uint8_t { kAsking, kReachable, kProbing, kFailed };
  struct Entry {
    MacAddress mac;
    State state = State::kAsking;
    bool asked = false;  // by us
    std::uint8_t asks_sent = 0;
    Instant due;  // when the state has lasted long enough
  };
  struct Hash {
    std::size_t operator()(const IpAddress& address) const;
  };

  static bool usable(const Entry& entry) { return entry.state == State::kReachable || entry.state == State::kProbing; }
  bool advance(const IpAddress& address, Entry& entry, Instant now, Due& due);
  bool lose(Entry& entry, Instant now, Due& due);

  std::unordered_map<IpAddress, Entry, Hash> entries_;
  std::size_t asked_ = 0;
  std::size_t unanswered_ = 0;  // asking or failed
};

}  // namespace isthmus::service
