#include "dataplane/config/compile.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <utility>

#include "dataplane/config/map_parts.h"

namespace isthmus::config {
namespace {

using Entry = route::PrefixTable::Entry;

// The table of these entries; equal entries get the same one.
class TablesByEntries {
 public:
  const route::PrefixTable* get(std::vector<Entry> entries) {
    std::ranges::sort(entries);
    auto& table = tables_[entries];
    if (!table) table = std::make_shared<const route::PrefixTable>(entries);
    return table.get();
  }
  std::vector<std::shared_ptr<const route::PrefixTable>> take() {
    std::vector<std::shared_ptr<const route::PrefixTable>> all;
    for (auto& [entries, table] : tables_) all.push_back(std::move(table));
    return all;
  }

 private:
  std::map<std::vector<Entry>, std::shared_ptr<const route::PrefixTable>> tables_;
};

// How many of the maps that lie side by side are a peer's.
struct MapCounts {
  std::size_t remote = 0;
  std::size_t local = 0;
};

std::vector<nat::PrefixMap> all_maps(const ValidatedConfig& config, std::vector<MapCounts>& counts) {
  std::vector<nat::PrefixMap> maps;
  const auto add = [&maps](const std::vector<nat::PrefixMap>& list, const std::vector<ExceptedRange>& except) {
    const std::vector<MapPart> parts = parts_of(list, except);
    for (const MapPart& part : parts) maps.push_back(part.map);
    return parts.size();
  };
  for (const PeerConfig& peer : config.peers) {
    const std::size_t remote = add(peer.remote, peer.remote_except);
    counts.push_back({remote, add(peer.local, peer.local_except)});
  }
  maps.shrink_to_fit();
  return maps;
}

pipeline::PeerTables compile_peer(const PeerConfig& peer, std::span<const nat::PrefixMap> maps, std::size_t remote_maps,
                                  TablesByEntries& shared) {
  pipeline::PeerTables tables;
  tables.configured = true;
  tables.mtu = peer.mtu;
  tables.lanes = peer.lanes;
  tables.others_seen_as = peer.others_seen_as;
  tables.maps = maps;

  std::vector<Entry> remote_by_real;
  std::vector<Entry> local_by_real;
  std::vector<Entry> local_by_seen_as;
  for (std::uint32_t i = 0; i < tables.maps.size(); ++i) {
    const nat::PrefixMap& map = tables.maps[i];
    if (i < remote_maps) {
      remote_by_real.push_back({map.real, i});
    } else {
      local_by_real.push_back({map.real, i});
      local_by_seen_as.push_back({map.seen_as, i});
    }
  }
  tables.remote_by_real = shared.get(std::move(remote_by_real));
  tables.local_by_real = shared.get(std::move(local_by_real));
  tables.local_by_seen_as = shared.get(std::move(local_by_seen_as));
  return tables;
}

}  // namespace

pipeline::ForwardingTables compile(const ValidatedConfig& config, std::span<const PeerIndex> indexes) {
  assert(indexes.size() == config.peers.size());
  pipeline::ForwardingTables tables;
  tables.listen_ports = config.listen_ports;
  TablesByEntries shared;
  std::vector<Entry> by_seen_as;
  std::vector<MapCounts> counts;
  tables.maps = std::make_shared<const std::vector<nat::PrefixMap>>(all_maps(config, counts));
  std::span<const nat::PrefixMap> maps_left = *tables.maps;
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    const auto slot = static_cast<std::size_t>(indexes[i]);
    tables.peers.resize(std::max(tables.peers.size(), slot + 1));
    assert(!tables.peers[slot].configured);
    const std::span<const nat::PrefixMap> maps = maps_left.first(counts[i].remote + counts[i].local);
    maps_left = maps_left.subspan(maps.size());
    tables.peers[slot] = compile_peer(config.peers[i], maps, counts[i].remote, shared);
    for (std::uint32_t map = 0; map < counts[i].remote; ++map) {
      by_seen_as.push_back({maps[map].seen_as, static_cast<std::uint32_t>(tables.routes.size())});
      tables.routes.push_back({indexes[i], map});
    }
  }
  tables.route_by_seen_as = route::PrefixTable(by_seen_as);
  tables.storage = shared.take();
  return tables;
}

}  // namespace isthmus::config
