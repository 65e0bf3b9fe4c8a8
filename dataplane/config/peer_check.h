#pragma once
// The peers of a document, one after the other, each against all that came before it.

#include <map>
#include <string>
#include <vector>

#include "dataplane/config/address_plan.h"
#include "dataplane/config/field_check.h"
#include "dataplane/config/map_list.h"
#include "dataplane/config/validate.h"

namespace isthmus::config {

class PeerChecker {
 public:
  // `views` holds what no view may cover; views that pass are added to it.
  // `pods` is empty when the document's pods are wrong themselves: nothing is measured against it then.
  PeerChecker(const DesiredState& desired, std::vector<Ipv4Prefix> pods, AddressPlan& views)
      : desired_(desired), pods_(std::move(pods)), views_(views) {}

  PeerConfig check(const DesiredPeer& peer, const std::string& path, ConfigErrors& errors);

 private:
  using Seen = std::map<std::string, std::string>;  // value -> path of the peer that has it

  void check_lanes(const DesiredPeer& peer, const std::string& path, PeerConfig& config, ConfigErrors& errors);
  void check_identity(const DesiredPeer& peer, const std::string& path, PeerConfig& config, ConfigErrors& errors);
  void take_endpoint(const PeerEndpoint& endpoint, const std::string& path, PeerConfig& config, ConfigErrors& errors);
  void check_remote(const DesiredPeer& peer, const std::string& path, PeerConfig& config, ConfigErrors& errors);
  void refuse_view(Ipv4Prefix view, const AddressPlan::Claim& clash, const std::string& path, ConfigErrors& errors);
  void check_local(const DesiredPeer& peer, const std::string& path, PeerConfig& config, ConfigErrors& errors);
  void check_others(const DesiredPeer& peer, const std::string& path, PeerConfig& config, ConfigErrors& errors) const;
  void check_local_real(Ipv4Prefix real, const std::string& path, MapList& list, ConfigErrors& errors) const;

  const DesiredState& desired_;
  std::vector<Ipv4Prefix> pods_;
  AddressPlan& views_;
  Seen names_;
  Seen keys_;
  Seen endpoints_;
};

}  // namespace isthmus::config
