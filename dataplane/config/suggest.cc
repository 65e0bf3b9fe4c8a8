#include "dataplane/config/suggest.h"

#include <algorithm>
#include <numeric>
#include <variant>

#include "dataplane/config/field_check.h"
#include "dataplane/config/map_list.h"
#include "dataplane/config/port_check.h"
#include "dataplane/config/view_plan.h"

namespace isthmus::config {
namespace {

// Everything that the document speaks of. A real prefix could be a view without harm to packets, but not to people.
void avoid_all(const DesiredState& document, AddressPlan& plan) {
  const auto avoid = [&plan](const std::string& text) {
    if (const auto prefix = readable_prefix(text)) plan.avoid(*prefix);
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
  Suggester(DesiredState& state, std::size_t document, AddressPlan& offers, std::vector<Suggestion>& suggestions)
      : state_(state), document_(document), offers_(offers), taken_(taken_by(state)), suggestions_(suggestions) {}

  void run() {
    for (std::size_t i = 0; i < state_.peers.size(); ++i) {
      const std::string place = item_path("peers", i) + ".remote";
      MapList list;
      for (std::size_t j = 0; j < state_.peers[i].remote.size(); ++j) {
        consider(state_.peers[i].remote[j], item_path(place, j) + ".seenAs", list);
      }
      list.claim_views(taken_);
    }
  }

 private:
  static AddressPlan taken_by(const DesiredState& state) {
    ConfigErrors others;  // for validate to tell
    return plan_views(state, check_port(state.cluster_port, "ports.cluster", others),
                      check_port(state.underlay_port, "ports.underlay", others));
  }

  void consider(DesiredMap& map, const std::string& path, MapList& list) {
    const auto real = readable_prefix(map.real);
    const auto view = readable_prefix(map.seen_as);
    if (!real || (!view && !map.seen_as.empty()) || (view && view->length != real->length)) return;
    if (!view || taken_.clash(*view) || list.clash_of_view(*view, real)) replace(map, path);
    // What clashes with a view that gives way may stay.
    if (const auto settled = readable_prefix(map.seen_as)) list.take_view(*settled, real, path);
  }

  void replace(DesiredMap& map, const std::string& path) {
    const std::optional<Ipv4Prefix> view = offers_.offer(readable_prefix(map.real)->length);
    suggestions_.push_back({document_, path, map.seen_as, view});
    if (view) map.seen_as = to_string(*view);
  }

  DesiredState& state_;
  std::size_t document_;
  AddressPlan& offers_;  // for all documents
  AddressPlan taken_;
  std::vector<Suggestion>& suggestions_;
};

}  // namespace

Suggested suggest_views(std::vector<DesiredState> documents, std::vector<Ipv4Prefix> pools) {
  AddressPlan offers(std::move(pools));
  for (const DesiredState& document : documents) avoid_all(document, offers);
  std::vector<std::size_t> by_name(documents.size());
  std::iota(by_name.begin(), by_name.end(), std::size_t{0});
  std::ranges::stable_sort(by_name, {}, [&documents](std::size_t i) { return documents[i].name; });
  Suggested suggested;
  for (const std::size_t i : by_name) Suggester(documents[i], i, offers, suggested.suggestions).run();
  suggested.documents = std::move(documents);
  return suggested;
}

}  // namespace isthmus::config
