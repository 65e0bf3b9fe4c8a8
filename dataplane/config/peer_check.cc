#include "dataplane/config/peer_check.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "dataplane/config/field_check.h"
#include "dataplane/config/map_list.h"
#include "dataplane/config/map_parts.h"

namespace isthmus::config {
namespace {

constexpr std::int64_t kSmallestMtu = 576;
constexpr std::int64_t kLargestMtu = 9000;

// Both prefixes of one line, as far as they can be read.
struct ReadMap {
  std::optional<Ipv4Prefix> real;
  std::optional<Ipv4Prefix> seen_as;
};

ReadMap read_map(const DesiredMap& map, const std::string& path, ConfigErrors& errors) {
  ReadMap read;
  read.real = check_unicast_prefix(as_prefix(map.real), path + ".real", errors);
  read.seen_as = check_prefix(as_prefix(map.seen_as), path + ".seenAs", errors);
  if (read.real && read.seen_as && read.real->length != read.seen_as->length) {
    const Ipv4Prefix resized = make_prefix(read.seen_as->network, read.real->length);
    errors.push_back({path + ".seenAs", map.seen_as + " and " + map.real + " have unequal lengths",
                      "write both with one length, such as " + to_string(resized) + " here"});
    read.seen_as.reset();
  }
  return read;
}

void check_except(const DesiredMap& map, Ipv4Prefix real, const std::string& path, std::size_t index,
                  std::vector<ExceptedRange>& except, ConfigErrors& errors) {
  for (std::size_t i = 0; i < map.except.size(); ++i) {
    const std::string place = item_path(path + ".except", i);
    const auto range = check_prefix(as_prefix(map.except[i]), place, errors);
    if (!range) continue;
    if (range->length < real.length || !real.contains(range->network)) {
      errors.push_back({place, map.except[i] + " is not inside the map's real, " + to_string(real),
                        "write a part of that, or remove it: what is in no map is not mapped anyway"});
    }
    except.push_back({index, *range});
  }
}

// The pods that keep their own addresses towards this peer. Errors in `local` are somebody else's business.
std::vector<Ipv4Prefix> unmapped_pods(const std::vector<Ipv4Prefix>& pods, const std::vector<DesiredMap>& local) {
  std::vector<Ipv4Prefix> mapped;
  for (const DesiredMap& map : local) {
    const auto real = parse_ipv4_prefix(as_prefix(map.real));
    if (const Ipv4Prefix* prefix = std::get_if<Ipv4Prefix>(&real)) mapped.push_back(*prefix);
  }
  std::vector<Ipv4Prefix> unmapped;
  for (const Ipv4Prefix pod : pods) {
    const std::vector<Ipv4Prefix> parts = remainder(pod, mapped);
    unmapped.insert(unmapped.end(), parts.begin(), parts.end());
  }
  return unmapped;
}

std::string in_small_letters(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

void refuse_second(std::map<std::string, std::string>& seen, const std::string& value, const std::string& owner,
                   const std::string& path, const std::string& message, const char* advice, ConfigErrors& errors) {
  const auto [earlier, is_new] = seen.try_emplace(value, owner);
  if (!is_new) errors.push_back({path, message + " of " + earlier->second + " too", advice});
}

// The maps stand in the document as they do here: nothing in the list is wrong.
void refuse_empty(const std::vector<nat::PrefixMap>& maps, const std::vector<ExceptedRange>& except,
                  const std::string& list, ConfigErrors& errors) {
  std::set<std::size_t> alive;
  for (const MapPart& part : parts_of(maps, except)) alive.insert(part.line);
  for (std::size_t i = 0; i < maps.size(); ++i) {
    if (alive.contains(i)) continue;
    errors.push_back({item_path(list, i),
                      "nothing is left of it: longer maps and except take all its addresses, or hide its view",
                      "remove it, or one of those"});
  }
}

}  // namespace

PeerConfig PeerChecker::check(const DesiredPeer& peer, const std::string& path, ConfigErrors& errors) {
  PeerConfig config;
  check_identity(peer, path, config, errors);
  check_remote(peer, path, config, errors);
  check_local(peer, path, config, errors);
  check_others(peer, path, config, errors);
  return config;
}

void PeerChecker::check_identity(const DesiredPeer& peer, const std::string& path, PeerConfig& config,
                                 ConfigErrors& errors) {
  config.name = peer.name;
  if (check_name(peer.name, path + ".name", errors)) {
    if (peer.name == desired_.name) {
      errors.push_back({path + ".name", peer.name + " is this cluster's own name", "write the other cluster's name"});
    }
    refuse_second(names_, peer.name, path, path + ".name", peer.name + " is the name", "give every peer its own name",
                  errors);
  }
  if (const auto key = check_public_key(peer.public_key, path + ".publicKey", errors)) {
    config.public_key = *key;
    refuse_second(keys_, std::string(key->begin(), key->end()), path, path + ".publicKey", "this is the key",
                  "write each peer's own key: a key tells peers apart", errors);
  }
  config.preshared_key_file = peer.preshared_key_file;
  check_lanes(peer, path, config, errors);
  config.persistent_keepalive =
      std::chrono::seconds(check_number(peer.persistent_keepalive, 0, 65535, path + ".persistentKeepalive", errors));
  const std::int64_t mtu =
      peer.mtu == 0 ? desired_.mtu : check_number(peer.mtu, kSmallestMtu, kLargestMtu, path + ".mtu", errors);
  config.mtu = static_cast<std::uint16_t>(mtu);
}

void PeerChecker::check_lanes(const DesiredPeer& peer, const std::string& path, PeerConfig& config,
                              ConfigErrors& errors) {
  config.lanes = static_cast<std::uint32_t>(check_number(peer.lanes, 1, kMaxLanes, path + ".lanes", errors));
  if (peer.endpoint.empty()) {
    if (!peer.endpoint_ports.empty()) {
      errors.push_back(
          {path + ".endpointPorts", "says nothing without an endpoint", "write endpoint: address:port too"});
    }
    return;
  }
  const std::optional<PeerEndpoint> endpoint = check_endpoint(peer.endpoint, path + ".endpoint", errors);
  if (!endpoint) return;
  const std::uint16_t first = std::visit([](const auto& at) { return at.port; }, *endpoint);
  const std::string place = path + (peer.endpoint_ports.empty() ? ".endpoint" : ".endpointPorts");
  config.endpoint_ports = check_lane_ports(peer.endpoint_ports, first, config.lanes, place, errors);
  if (!peer.endpoint_ports.empty() && config.endpoint_ports.front() != first) {
    errors.push_back({place, "does not begin with the endpoint's port " + std::to_string(first),
                      "write the first lane's port in both"});
  }
  config.endpoint_ports.resize(std::min<std::size_t>(config.endpoint_ports.size(), config.lanes));
  take_endpoint(*endpoint, path, config, errors);
}

// No two lanes of any peers may be at one place.
void PeerChecker::take_endpoint(const PeerEndpoint& endpoint, const std::string& path, PeerConfig& config,
                                ConfigErrors& errors) {
  if (const EndpointName* name = std::get_if<EndpointName>(&endpoint)) {
    config.endpoint_name = *name;
  } else {
    config.endpoint = std::get<Endpoint>(endpoint);
  }
  for (const std::uint16_t port : config.endpoint_ports) {
    const std::string words = config.endpoint_name ? to_string(EndpointName{config.endpoint_name->host, port})
                                                   : to_string(Endpoint{config.endpoint->address, port});
    // RFC 4343: names do not differ by the size of their letters.
    refuse_second(endpoints_, in_small_letters(words), path, path + ".endpoint", words + " is the endpoint",
                  "write each peer's own endpoint", errors);
  }
}

void PeerChecker::check_remote(const DesiredPeer& peer, const std::string& path, PeerConfig& config,
                               ConfigErrors& errors) {
  if (peer.remote.empty()) {
    errors.push_back(
        {path + ".remote", "is missing: nothing of this peer could be reached",
         "write its pods' prefix and how it looks here, such as [{real: 10.244.0.0/16, seenAs: 10.71.0.0/16}]"});
  }
  MapList list;
  const std::size_t errors_before = errors.size();
  for (std::size_t i = 0; i < peer.remote.size(); ++i) {
    const std::string place = item_path(path + ".remote", i);
    const ReadMap map = read_map(peer.remote[i], place, errors);
    if (map.real) {
      if (const auto clash = list.clash_of_real(*map.real)) {
        errors.push_back({place + ".real",
                          peer.remote[i].real + " overlaps " + to_string(clash->prefix) + " of " + clash->owner +
                              ", the same peer's",
                          "write each address once"});
      }
      list.take_real(*map.real, place + ".real");
    }
    if (!map.seen_as) continue;
    auto clash = views_.clash(*map.seen_as);
    if (!clash) clash = list.clash_of_view(*map.seen_as, map.real);
    if (clash) refuse_view(*map.seen_as, *clash, place + ".seenAs", errors);
    list.take_view(*map.seen_as, map.real, place + ".seenAs");
    if (!map.real) continue;
    check_except(peer.remote[i], *map.real, place, config.remote.size(), config.remote_except, errors);
    config.remote.push_back(nat::make_prefix_map(*map.real, *map.seen_as));
  }
  list.claim_views(views_);
  if (errors.size() == errors_before) refuse_empty(config.remote, config.remote_except, path + ".remote", errors);
}

void PeerChecker::refuse_view(Ipv4Prefix view, const AddressPlan::Claim& clash, const std::string& path,
                              ConfigErrors& errors) {
  const std::optional<Ipv4Prefix> free = views_.offer(view.length);
  const std::string range = special_range(clash.prefix);
  errors.push_back(
      {path, to_string(view) + " overlaps " + (range.empty() ? to_string(clash.prefix) + " of " + clash.owner : range),
       free ? "write " + to_string(*free) + ", which is free" : "write a prefix that nothing else uses"});
}

void PeerChecker::check_local(const DesiredPeer& peer, const std::string& path, PeerConfig& config,
                              ConfigErrors& errors) {
  const std::vector<Ipv4Prefix> unmapped = unmapped_pods(pods_, peer.local);
  AddressPlan kept;
  MapList list;
  const std::size_t errors_before = errors.size();
  for (const Ipv4Prefix pod : unmapped) kept.claim(pod, "the pods that keep their own addresses");
  for (std::size_t i = 0; i < peer.local.size(); ++i) {
    const std::string place = item_path(path + ".local", i);
    const ReadMap map = read_map(peer.local[i], place, errors);
    if (map.real) check_local_real(*map.real, place + ".real", list, errors);
    if (!map.seen_as) continue;
    const std::string range = special_range(*map.seen_as);
    auto clash = kept.clash(*map.seen_as);
    if (!clash) clash = list.clash_of_view(*map.seen_as, map.real);
    if (!range.empty()) {
      errors.push_back(
          {place + ".seenAs", to_string(*map.seen_as) + " overlaps " + range, "write a prefix of ordinary addresses"});
    } else if (clash) {
      errors.push_back({place + ".seenAs",
                        to_string(*map.seen_as) + " overlaps " + to_string(clash->prefix) + " of " + clash->owner,
                        "write a prefix that this peer does not see anything else in"});
    }
    list.take_view(*map.seen_as, map.real, place + ".seenAs");
    if (!map.real) continue;
    check_except(peer.local[i], *map.real, place, config.local.size(), config.local_except, errors);
    config.local.push_back(nat::make_prefix_map(*map.real, *map.seen_as));
  }
  if (errors.size() == errors_before) refuse_empty(config.local, config.local_except, path + ".local", errors);
  for (const Ipv4Prefix pod : unmapped) config.local.push_back(nat::make_prefix_map(pod, pod));
}

// One address that the peer sees nothing else in.
void PeerChecker::check_others(const DesiredPeer& peer, const std::string& path, PeerConfig& config,
                               ConfigErrors& errors) const {
  if (peer.others_seen_as.empty()) return;
  const std::string place = path + ".othersSeenAs";
  const std::optional<Ipv4Address> address = parse_ipv4(peer.others_seen_as);
  if (!address) {
    errors.push_back({place, "'" + peer.others_seen_as + "' is not an IPv4 address", "write one like 10.70.0.0"});
    return;
  }
  const std::string range = special_range(Ipv4Prefix{*address, 32});
  if (!range.empty()) {
    errors.push_back({place, peer.others_seen_as + " overlaps " + range, "write an ordinary address"});
  }
  for (const nat::PrefixMap& map : config.local) {
    if (!map.seen_as.contains(*address)) continue;
    errors.push_back({place,
                      peer.others_seen_as + " is in " + to_string(map.seen_as) + ", which this peer sees pods in",
                      "write an address outside it"});
  }
  if (std::ranges::any_of(peer.local, [](const DesiredMap& map) { return !map.except.empty(); })) {
    errors.push_back({place, "would let out what a local map of this peer excepts",
                      "remove it, or the except of those maps: what is excepted does not send"});
  }
  config.others_seen_as = address;
}

void PeerChecker::check_local_real(Ipv4Prefix real, const std::string& path, MapList& list,
                                   ConfigErrors& errors) const {
  const bool inside = std::any_of(pods_.begin(), pods_.end(), [&](Ipv4Prefix pod) {
    return pod.length <= real.length && pod.contains(real.network);
  });
  if (!inside && !pods_.empty()) {
    errors.push_back({path, to_string(real) + " is not inside this cluster's pods",
                      "write a prefix inside " + to_string(pods_.front()) + ", or add this one to pods"});
  }
  if (const auto clash = list.clash_of_real(real)) {
    errors.push_back({path, to_string(real) + " overlaps " + to_string(clash->prefix) + " of " + clash->owner,
                      "write each address once"});
  }
  list.take_real(real, path);
}

}  // namespace isthmus::config
