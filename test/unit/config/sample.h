#pragma once
// A document without errors, for tests that break one thing in it.

#include <string>

#include "dataplane/config/desired_state.h"

namespace isthmus::config {

inline const std::string kKeyA = "Tm90IGEgcmVhbCBrZXksIGJ1dCAzMiBieXRlcy4uLjA=";
inline const std::string kKeyB = "QWxzbyBub3QgYSBrZXksIGJ1dCAzMiBieXRlcyBsb24=";

inline DesiredState sample() {
  DesiredState state;
  state.api_version = kApiVersion;
  state.name = "crownlabs";
  state.private_key_file = "/etc/isthmus/private.key";
  state.cluster_port.interface = "eth1";
  state.underlay_port.interface = "eth0";
  state.pods = {"10.244.0.0/16"};
  state.reserved = {"10.96.0.0/12"};
  DesiredPeer netlab;
  netlab.name = "netlab";
  netlab.public_key = kKeyA;
  netlab.preshared_key_file = "/etc/isthmus/netlab.psk";
  netlab.endpoint = "192.0.2.2:51820";
  netlab.persistent_keepalive = 25;
  netlab.remote = {{"10.244.0.0/16", "10.71.0.0/16"}};
  DesiredPeer topix;
  topix.name = "topix";
  topix.public_key = kKeyB;
  topix.mtu = 1300;
  topix.remote = {{"10.0.0.0/16", "10.72.0.0/16"}, {"10.5.0.0/24", "10.73.5.0/24"}};
  topix.local = {{"10.244.0.0/16", "10.91.0.0/16"}};
  topix.others_seen_as = "10.70.0.0";
  state.peers = {netlab, topix};
  return state;
}

}  // namespace isthmus::config
