#include "dataplane/config/agreement.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "dataplane/config/address_set.h"
#include "dataplane/config/field_check.h"
#include "dataplane/config/map_parts.h"

namespace isthmus::config {
namespace {

using nat::PrefixMap;
using nat::Translation;

// What one document says of the cluster that another is for.
struct Side {
  std::size_t document = 0;
  const ValidatedConfig* config = nullptr;
  const PeerConfig* peer = nullptr;
  std::string path;  // "peers[1]"
};

std::vector<Ipv4Prefix> reals(const std::vector<PrefixMap>& maps) {
  std::vector<Ipv4Prefix> prefixes;
  for (const PrefixMap& map : maps) prefixes.push_back(map.real);
  return prefixes;
}

std::vector<Ipv4Prefix> views(const std::vector<PrefixMap>& maps) {
  std::vector<Ipv4Prefix> prefixes;
  for (const PrefixMap& map : maps) prefixes.push_back(map.seen_as);
  return prefixes;
}

// "10.1.0.0/16, 10.2.0.0/16 and 7 more"
std::string in_words(const std::vector<Ipv4Prefix>& prefixes) {
  constexpr std::size_t kMost = 3;
  std::string words;
  for (std::size_t i = 0; i < std::min(kMost, prefixes.size()); ++i) {
    words += (i == 0 ? "" : ", ") + to_string(prefixes[i]);
  }
  if (prefixes.size() > kMost) words += " and " + std::to_string(prefixes.size() - kMost) + " more";
  return words;
}

std::string dies(const std::string& cluster, DropReason reason) {
  return cluster + " drops it: " + std::string(describe(reason).name);
}

// One of a packet's addresses, as it is in the tunnel, and the sender's map for it.
struct End {
  const PrefixMap* map = nullptr;
  Ipv4Address in_tunnel;
};

End first_source(const Side& from) {
  const PrefixMap& map = from.peer->local.front();
  return {&map, first_host(map.seen_as)};
}

End first_destination(const Side& from) {
  const PrefixMap& map = from.peer->remote.front();
  return {&map, first_host(map.real)};
}

Counterexample packet_from(const Side& from, End source, End destination) {
  Counterexample packet;
  packet.sender = from.document;
  packet.source_in_tunnel = source.in_tunnel;
  packet.destination_in_tunnel = destination.in_tunnel;
  packet.source = source.map->translate(source.in_tunnel, Translation::kSeenAsToReal);
  packet.destination = destination.map->translate(destination.in_tunnel, Translation::kRealToSeenAs);
  return packet;
}

Counterexample packet_from(const Side& from) { return packet_from(from, first_source(from), first_destination(from)); }

// A pod of `from` whose packets `to` lets in.
std::optional<End> known_source(const Side& from, const Side& to) {
  const AddressSet expected(reals(to.peer->remote));
  for (const PrefixMap& map : from.peer->local) {
    if (const auto address = expected.common(map.seen_as)) return End{&map, *address};
  }
  return std::nullopt;
}

// The map, if any, that shows these addresses as others.
const PrefixMap* rewriting(const std::vector<PrefixMap>& local, Ipv4Prefix real) {
  const auto found = std::ranges::find_if(
      local, [&](const PrefixMap& map) { return map.real != map.seen_as && map.real.overlaps(real); });
  return found == local.end() ? nullptr : &*found;
}

// Maps that do not overlap, as the data plane has them.
std::vector<ValidatedConfig> in_parts(std::vector<ValidatedConfig> documents) {
  for (ValidatedConfig& document : documents) {
    for (PeerConfig& peer : document.peers) {
      const auto cut = [](std::vector<PrefixMap>& maps, const std::vector<ExceptedRange>& except) {
        const std::vector<MapPart> parts = parts_of(maps, except);
        maps.clear();
        for (const MapPart& part : parts) maps.push_back(part.map);
      };
      cut(peer.remote, peer.remote_except);
      cut(peer.local, peer.local_except);
    }
  }
  return documents;
}

// Which of the maps this is a part of.
std::size_t whole_of(const PrefixMap& part, const std::vector<PrefixMap>& maps) {
  std::size_t whole = maps.size();
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const bool has = maps[i].real.length <= part.real.length && maps[i].real.contains(part.real.network) &&
                     maps[i].translate(part.real.network, Translation::kRealToSeenAs) == part.seen_as.network;
    if (has && (whole == maps.size() || maps[i].real.length > maps[whole].real.length)) whole = i;
  }
  return whole;
}

class Judge {
 public:
  explicit Judge(const std::vector<ValidatedConfig>& documents)
      : as_written_(documents), documents_(in_parts(documents)) {}

  std::vector<Disagreement> run() {
    check_names();
    if (!found_.empty()) return std::move(found_);  // who is meant by a name is not known
    for (std::size_t i = 0; i < documents_.size(); ++i) {
      for (std::size_t j = 0; j < documents_[i].peers.size(); ++j) {
        check_identity(side(i, j));
        check_peer(side(i, j));
      }
    }
    std::ranges::stable_sort(found_, {}, &Disagreement::document);
    return std::move(found_);
  }

 private:
  Side side(std::size_t document, std::size_t peer) const {
    const ValidatedConfig& config = documents_[document];
    return {document, &config, &config.peers[peer], item_path("peers", peer)};
  }

  void report(const Side& at, const std::string& field, std::string message, std::string advice,
              Counterexample packet) {
    found_.push_back({at.document, {at.path + field, std::move(message), std::move(advice)}, std::move(packet)});
  }

  void check_names();
  void check_identity(const Side& at);
  void check_peer(const Side& here);
  void check_tunnel(const Side& one, const Side& other);
  void check_mtu(const Side& large, const Side& small);
  void check_lanes(const Side& many, const Side& few);
  void check_sources(const Side& from, const Side& to);
  void check_destinations(const Side& from, const Side& to);

  const PeerConfig& as_written(const Side& at) const {
    return as_written_[at.document].peers[static_cast<std::size_t>(at.peer - at.config->peers.data())];
  }

  const std::vector<ValidatedConfig>& as_written_;
  const std::vector<ValidatedConfig> documents_;
  std::map<std::string, std::size_t> by_name_;
  std::map<std::string, Side> first_by_name_;  // the first that speaks of a cluster
  std::map<tunnel::PublicKey, Side> first_by_key_;
  std::vector<Disagreement> found_;
};

void Judge::check_names() {
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    const auto [earlier, is_new] = by_name_.try_emplace(documents_[i].name, i);
    if (is_new || documents_[i].peers.empty()) continue;
    Counterexample packet = packet_from(side(i, 0));
    packet.fate = "nobody can tell which of the two it comes from";
    found_.push_back({i,
                      {"name", documents_[i].name + " is the name in another of these documents too",
                       "give every cluster its own name, or leave one of the files out"},
                      packet});
  }
}

// All who speak of a cluster have to mean the same key, and all who have a key the same cluster.
void Judge::check_identity(const Side& at) {
  const auto [named, is_new_name] = first_by_name_.try_emplace(at.peer->name, at);
  const auto [keyed, is_new_key] = first_by_key_.try_emplace(at.peer->public_key, at);
  Counterexample packet = packet_from(at);
  packet.drop = DropReason::kNoSession;
  packet.fate = "where the key is the wrong one, " + dies(at.config->name, packet.drop);
  if (named->second.peer->public_key != at.peer->public_key) {
    report(at, ".publicKey", named->second.config->name + " has another key for " + at.peer->name,
           "write what `wg pubkey` prints for that cluster's private key in both", packet);
  } else if (keyed->second.peer->name != at.peer->name) {
    report(at, ".publicKey", "in " + keyed->second.config->name + " this is the key of " + keyed->second.peer->name,
           "write each cluster's own key", packet);
  }
}

void Judge::check_peer(const Side& here) {
  const auto other = by_name_.find(here.peer->name);
  if (other == by_name_.end()) return;
  const std::vector<PeerConfig>& peers = documents_[other->second].peers;
  const auto back = std::ranges::find(peers, here.config->name, &PeerConfig::name);
  if (back == peers.end()) {
    Counterexample packet = packet_from(here);
    packet.drop = DropReason::kNoSession;
    packet.fate = dies(here.config->name, packet.drop);
    found_.push_back({other->second,
                      {"peers", here.config->name + " has this cluster as its peer, but is none here",
                       "add it, or write name: " + here.config->name + " at the peer that is meant"},
                      packet});
    return;
  }
  const Side there = side(other->second, static_cast<std::size_t>(back - peers.begin()));
  if (here.document < there.document) check_tunnel(here, there);
  check_sources(there, here);
  check_destinations(here, there);
}

void Judge::check_tunnel(const Side& one, const Side& other) {
  Counterexample packet = packet_from(one);
  packet.drop = DropReason::kNoSession;
  packet.fate = dies(one.config->name, packet.drop);
  const bool has = !one.peer->preshared_key_file.empty();
  if (has == other.peer->preshared_key_file.empty()) {
    report(has ? other : one, ".presharedKeyFile", "is missing: " + (has ? one : other).config->name + " has one",
           "write the file with the same key here, or remove the line there", packet);
  }
  const auto is_reachable = [](const PeerConfig& peer) { return peer.endpoint || peer.endpoint_name; };
  if (!is_reachable(*one.peer) && !is_reachable(*other.peer)) {
    report(one, ".endpoint", "is missing here and in " + other.config->name + ": nobody begins",
           "write the peer's address and port in one of the two", packet);
  }
  if (one.peer->mtu != other.peer->mtu) {
    one.peer->mtu > other.peer->mtu ? check_mtu(one, other) : check_mtu(other, one);
  }
  if (one.peer->lanes != other.peer->lanes) {
    one.peer->lanes > other.peer->lanes ? check_lanes(one, other) : check_lanes(other, one);
  }
}

void Judge::check_mtu(const Side& large, const Side& small) {
  const std::string ours = std::to_string(large.peer->mtu);
  const std::string theirs = std::to_string(small.peer->mtu);
  Counterexample packet = packet_from(large);
  packet.drop = DropReason::kTooBig;
  packet.fate = "with " + ours + " bytes it arrives, but when its answer is as long and must not be cut, " +
                dies(small.config->name, packet.drop);
  report(large, ".mtu", ours + " here is " + theirs + " in " + small.config->name, "write one of them in both", packet);
}

void Judge::check_lanes(const Side& many, const Side& few) {
  const std::string ours = std::to_string(many.peer->lanes);
  Counterexample packet = packet_from(many);
  packet.fate = "a flow of a lane above " + std::to_string(few.peer->lanes) + " has to take another";
  report(many, ".lanes", ours + " here is " + std::to_string(few.peer->lanes) + " in " + few.config->name,
         "write one number in both: a lane needs two ends", packet);
}

// Pods of `from` that `to` does not know: it drops what they send, and can send them nothing. Those that it excepts it
// knows.
void Judge::check_sources(const Side& from, const Side& to) {
  std::vector<Ipv4Prefix> meant = reals(to.peer->remote);
  for (const ExceptedRange& range : to.peer->remote_except) meant.push_back(range.real);
  const AddressSet expected(meant);
  const std::string& sender = from.config->name;
  const std::vector<PrefixMap>& written = as_written(from).local;
  std::set<std::size_t> told;
  for (const PrefixMap& map : from.peer->local) {
    const std::optional<Ipv4Address> missing = expected.missing(map.seen_as);
    if (!missing) continue;
    const std::size_t line = whole_of(map, written);
    if (!told.insert(line).second) continue;
    Counterexample packet = packet_from(from, {&map, *missing}, first_destination(from));
    packet.drop = DropReason::kSourceNotAllowed;
    packet.fate = dies(to.config->name, packet.drop);
    const std::string shown = to_string(written[line].seen_as);
    if (AddressSet(reals(as_written(to).remote)).contains(*missing)) {
      report(to, ".remote",
             to_string(*missing) + " is hidden by a longer map's seenAs, and " + sender + " sends from " + shown,
             "write another seenAs for the longer map, or except this address if that is meant", packet);
      continue;
    }
    const bool both_rewrite = map.real != map.seen_as && expected.common(map.real);
    report(to, ".remote", to_string(*missing) + " is in no map's real, and " + sender + " sends from " + shown,
           both_rewrite ? sender + "'s local map shows " + to_string(written[line].real) +
                              " so already: write real: " + shown + " here, or remove that map there"
                        : "add a map with real: " + shown + "; `isthmusctl suggest` finds a view for it",
           packet);
  }
}

// Views of `from` behind which nobody is. Where `to` has excepted somebody, that is meant.
void Judge::check_destinations(const Side& from, const Side& to) {
  std::vector<Ipv4Prefix> meant = views(to.peer->local);
  for (const ExceptedRange& range : to.peer->local_except) {
    const PrefixMap& map = as_written(to).local[range.map];
    meant.push_back({map.translate(range.real.network, Translation::kRealToSeenAs), range.real.length});
  }
  const AddressSet offered(meant);
  // The packet shall die of its destination, if any packet of this cluster gets that far.
  const std::optional<End> source = known_source(from, to);
  const std::string& receiver = to.config->name;
  std::set<std::size_t> told;
  for (const PrefixMap& map : from.peer->remote) {
    const std::optional<Ipv4Address> missing = offered.missing(map.real);
    if (!missing) continue;
    const std::size_t line = whole_of(map, as_written(from).remote);
    if (!told.insert(line).second) continue;
    Counterexample packet = packet_from(from, source.value_or(first_source(from)), {&map, *missing});
    packet.drop = source ? DropReason::kDestinationNotOffered : DropReason::kSourceNotAllowed;
    packet.fate = dies(receiver, packet.drop);
    const PrefixMap* local = rewriting(to.peer->local, map.real);
    report(from, item_path(".remote", line) + ".real",
           to_string(*missing) + " is nobody's: " + receiver + " shows " + in_words(views(as_written(to).local)),
           local != nullptr ? receiver + "'s local map shows " + to_string(local->real) + " so already: write real: " +
                                  to_string(local->seen_as) + " here, or remove that map there"
                            : "write what " + receiver + " shows, or remove this map",
           packet);
  }
}

}  // namespace

std::vector<Disagreement> disagreements(const std::vector<ValidatedConfig>& documents) {
  return Judge(documents).run();
}

std::string to_string(const Counterexample& packet, const std::vector<ValidatedConfig>& documents) {
  std::string text =
      to_string(packet.source) + " -> " + to_string(packet.destination) + " from " + documents[packet.sender].name;
  text += ", in the tunnel " + to_string(packet.source_in_tunnel) + " -> " + to_string(packet.destination_in_tunnel);
  return text + ": " + packet.fate;
}

}  // namespace isthmus::config
