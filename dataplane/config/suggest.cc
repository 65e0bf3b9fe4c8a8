#include "dataplane/config/suggest.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <variant>

#include "dataplane/config/field_check.h"
#include "dataplane/config/validate.h"

namespace isthmus::config {
namespace {

std::optional<Ipv4Prefix> prefix_of(const std::string& text) {
  const auto parsed = parse_ipv4_prefix(as_prefix(text));
  const Ipv4Prefix* prefix = std::get_if<Ipv4Prefix>(&parsed);
  return prefix != nullptr && prefix->length != 0 ? std::optional(*prefix) : std::nullopt;
}

// Everything that the document speaks of. A real prefix could be a view without harm to packets, but not to people.
void avoid_all(const DesiredState& document, AddressPlan& plan) {
  const auto avoid = [&plan](const std::string& text) {
    if (const auto prefix = prefix_of(text)) plan.avoid(*prefix);
  };
  std::ranges::for_each(document.pods, avoid);
  std::ranges::for_each(document.reserved, avoid);
  for (const DesiredPort* port : {&document.cluster_port, &document.underlay_port}) {
    for (const std::string& text : port->addresses) {
      const auto at = parse_interface_address(text);
      const Ipv4Address* address = at ? std::get_if<Ipv4Address>(&at->address) : nullptr;
      if (address != nullptr) plan.avoid(make_prefix(*address, at->length));
    }
  }
  for (const DesiredPeer& peer : document.peers) {
    const auto endpoint = parse_endpoint(peer.endpoint);
    const Ipv4Address* address = endpoint ? std::get_if<Ipv4Address>(&endpoint->address) : nullptr;
    if (address != nullptr) plan.avoid({*address, 32});
    for (const std::vector<DesiredMap>* maps : {&peer.remote, &peer.local}) {
      for (const DesiredMap& map : *maps) avoid(map.real), avoid(map.seen_as);
    }
  }
}

// One document.
class Suggester {
 public:
  Suggester(DesiredState& state, std::size_t document, AddressPlan& plan, std::vector<Suggestion>& suggestions)
      : state_(state), document_(document), plan_(plan), suggestions_(suggestions) {}

  void run() {
    for (std::size_t i = 0; i < state_.peers.size(); ++i) {
      const std::string list = item_path("peers", i) + ".remote";
      for (std::size_t j = 0; j < state_.peers[i].remote.size(); ++j) {
        consider(state_.peers[i].remote[j], item_path(list, j) + ".seenAs");
      }
    }
    // One at a time: what clashes with a view that gives way may stay.
    while (replace_first_clash()) {
    }
  }

 private:
  void consider(DesiredMap& map, const std::string& path) {
    const auto real = prefix_of(map.real);
    if (!real) return;
    if (map.seen_as.empty()) return replace(map, path);
    const auto view = prefix_of(map.seen_as);
    if (view && view->length == real->length) sound_.emplace(path, &map);
  }

  // A view that can be read and has the right length is refused only because it clashes.
  bool replace_first_clash() {
    const auto checked = validate(state_);
    const ConfigErrors* errors = std::get_if<ConfigErrors>(&checked);
    if (errors == nullptr) return false;
    for (const ConfigError& error : *errors) {
      const auto found = sound_.find(error.path);
      if (found == sound_.end()) continue;
      replace(*found->second, found->first);
      sound_.erase(found);
      return true;
    }
    return false;
  }

  void replace(DesiredMap& map, const std::string& path) {
    const std::optional<Ipv4Prefix> view = plan_.offer(prefix_of(map.real)->length);
    suggestions_.push_back({document_, path, map.seen_as, view});
    if (view) map.seen_as = to_string(*view);
  }

  DesiredState& state_;
  std::size_t document_;
  AddressPlan& plan_;
  std::vector<Suggestion>& suggestions_;
  std::map<std::string, DesiredMap*> sound_;  // by path
};

}  // namespace

Suggested suggest_views(std::vector<DesiredState> documents, std::vector<Ipv4Prefix> pools) {
  AddressPlan plan(std::move(pools));
  for (const DesiredState& document : documents) avoid_all(document, plan);
  std::vector<std::size_t> by_name(documents.size());
  std::iota(by_name.begin(), by_name.end(), std::size_t{0});
  std::ranges::stable_sort(by_name, {}, [&documents](std::size_t i) { return documents[i].name; });
  Suggested suggested;
  for (const std::size_t i : by_name) Suggester(documents[i], i, plan, suggested.suggestions).run();
  suggested.documents = std::move(documents);
  return suggested;
}

}  // namespace isthmus::config
