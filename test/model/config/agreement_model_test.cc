// Two clusters with random maps: every packet that either could send is walked through the tables that the data plane
// would have. One dies if and only if the documents disagree, and a counterexample dies as it says.

#include "dataplane/config/agreement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "dataplane/config/compile.h"
#include "test/support/random.h"

namespace isthmus::config {
namespace {

constexpr std::array<const char*, 2> kNames = {"west", "east"};
constexpr std::uint32_t kPods = 0x0af40000;  // both clusters' pods: 10.244.0.0/28
constexpr std::uint32_t kPodCount = 16;

using route::PrefixTable;

// What route_to_peer and authorize look up, one packet from one gateway to the other.
struct Walk {
  DropReason drop = DropReason::kNone;
  Ipv4Address source_in_tunnel;
  Ipv4Address destination_in_tunnel;
};

Walk walk(const pipeline::ForwardingTables& from, const pipeline::ForwardingTables& to, Ipv4Address source,
          Ipv4Address destination) {
  const std::uint32_t route = from.route_by_seen_as.lookup(destination);
  if (route == PrefixTable::kMissing) return {DropReason::kNoRoute, {}, {}};
  const pipeline::PeerTables& sender = from.peers[0];
  const std::uint32_t map = sender.local_by_real->lookup(source);
  if (map == PrefixTable::kMissing) return {DropReason::kSourceNotLocal, {}, {}};
  Walk walk;
  walk.source_in_tunnel = sender.maps[map].translate(source, nat::Translation::kRealToSeenAs);
  walk.destination_in_tunnel =
      sender.maps[from.routes[route].map].translate(destination, nat::Translation::kSeenAsToReal);
  const pipeline::PeerTables& receiver = to.peers[0];
  if (receiver.remote_by_real->lookup(walk.source_in_tunnel) == PrefixTable::kMissing) {
    walk.drop = DropReason::kSourceNotAllowed;
  } else if (receiver.local_by_seen_as->lookup(walk.destination_in_tunnel) == PrefixTable::kMissing) {
    walk.drop = DropReason::kDestinationNotOffered;
  }
  return walk;
}

DesiredState base(std::size_t cluster) {
  DesiredState state;
  state.api_version = kApiVersion;
  state.name = kNames[cluster];
  state.private_key_file = "/etc/isthmus/private.key";
  state.cluster_port.interface = "eth1";
  state.underlay_port.interface = "eth0";
  state.pods = {"10.244.0.0/28"};
  DesiredPeer& peer = state.peers.emplace_back();
  peer.name = kNames[1 - cluster];
  peer.public_key =
      cluster == 0 ? "Tm90IGEgcmVhbCBrZXksIGJ1dCAzMiBieXRlcy4uLjA=" : "QWxzbyBub3QgYSBrZXksIGJ1dCAzMiBieXRlcyBsb24=";
  peer.endpoint = "192.0.2.2:51820";
  return state;
}

// Parts of the pods, which each have an even chance to be shown elsewhere, and a single pod now and then.
std::vector<DesiredMap> random_locals(test::Random& random) {
  std::vector<DesiredMap> maps;
  for (std::uint32_t part = 0; part < 4; ++part) {
    if (!random.one_in(2)) continue;
    const auto shown = static_cast<std::uint32_t>(0x0a3c0000 + 4 * random.below(8));
    maps.push_back({to_string(Ipv4Prefix{{kPods + 4 * part}, 30}), to_string(Ipv4Prefix{{shown}, 30})});
  }
  if (random.one_in(3)) {
    maps.push_back({to_string(Ipv4Address{static_cast<std::uint32_t>(kPods + random.below(kPodCount))}),
                    to_string(Ipv4Address{static_cast<std::uint32_t>(0x0a3c0000 + random.below(64))})});
  }
  return maps;
}

// Right for what the other shows, but for a part that is left out or wrong now and then.
std::vector<DesiredMap> random_remotes(test::Random& random, const PeerConfig& other) {
  std::vector<DesiredMap> maps;
  std::uint32_t next = 0;
  const auto add = [&](Ipv4Prefix real) {
    const auto view = static_cast<std::uint32_t>(0x0a460000 + 16 * next++);
    maps.push_back({to_string(real), to_string(make_prefix({view}, real.length))});
  };
  for (const nat::PrefixMap& map : other.local) {
    if (random.one_in(12)) continue;
    if (random.one_in(8) && map.seen_as.length < 32) {
      add({map.seen_as.network, static_cast<std::uint8_t>(map.seen_as.length + 1)});
    } else {
      add(random.one_in(12) ? map.real : map.seen_as);
    }
  }
  return maps;
}

// Both documents, valid each for itself; false when chance gave none.
bool random_pair(test::Random& random, std::vector<ValidatedConfig>& pair) {
  std::array<DesiredState, 2> states = {base(0), base(1)};
  std::array<PeerConfig, 2> locals;
  for (std::size_t i = 0; i < 2; ++i) {
    states[i].peers[0].local = random_locals(random);
    DesiredState alone = states[i];
    alone.peers[0].remote = {{"10.9.0.0/24", "10.9.0.0/24"}};
    auto checked = validate(alone);
    if (!std::holds_alternative<ValidatedConfig>(checked)) return false;
    locals[i] = std::get<ValidatedConfig>(checked).peers[0];
  }
  for (std::size_t i = 0; i < 2; ++i) {
    states[i].peers[0].remote = random_remotes(random, locals[1 - i]);
    auto checked = validate(states[i]);
    if (!std::holds_alternative<ValidatedConfig>(checked)) return false;
    pair.push_back(std::move(std::get<ValidatedConfig>(checked)));
  }
  return true;
}

// Whether any packet from a pod of the first to any of its views dies at the other. What a longer map of its own hides
// does not leave it: that is no quarrel.
bool any_dies(const ValidatedConfig& config, const pipeline::ForwardingTables& from,
              const pipeline::ForwardingTables& to) {
  for (std::uint32_t pod = 0; pod < kPodCount; ++pod) {
    for (const nat::PrefixMap& map : config.peers[0].remote) {
      for (std::uint32_t host = 0; host < (1U << (32 - map.seen_as.length)); ++host) {
        const DropReason drop = walk(from, to, {kPods + pod}, {map.seen_as.network.value + host}).drop;
        if (drop == DropReason::kSourceNotAllowed || drop == DropReason::kDestinationNotOffered) return true;
      }
    }
  }
  return false;
}

TEST(AgreementModel, FindsSomethingExactlyWhenAPacketDies) {
  test::Random random;
  const std::array<PeerIndex, 1> indexes = {PeerIndex{0}};
  std::size_t agreeing = 0;
  std::size_t quarrelling = 0;
  for (int round = 0; round < 6000; ++round) {
    std::vector<ValidatedConfig> pair;
    if (!random_pair(random, pair)) continue;
    const std::array<pipeline::ForwardingTables, 2> tables = {compile(pair[0], indexes), compile(pair[1], indexes)};
    const std::vector<Disagreement> found = disagreements(pair);
    const bool dies = any_dies(pair[0], tables[0], tables[1]) || any_dies(pair[1], tables[1], tables[0]);
    ASSERT_EQ(!found.empty(), dies) << (found.empty() ? "" : to_string(found[0].error));
    for (const Disagreement& each : found) {
      const Counterexample& packet = each.packet;
      const Walk walked = walk(tables[packet.sender], tables[1 - packet.sender], packet.source, packet.destination);
      ASSERT_EQ(walked.drop, packet.drop) << to_string(packet, pair);
      ASSERT_EQ(walked.source_in_tunnel, packet.source_in_tunnel);
      ASSERT_EQ(walked.destination_in_tunnel, packet.destination_in_tunnel);
    }
    ++(found.empty() ? agreeing : quarrelling);
  }
  EXPECT_GT(agreeing, 100U);
  EXPECT_GT(quarrelling, 100U);
}

}  // namespace
}  // namespace isthmus::config
