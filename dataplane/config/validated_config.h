#pragma once
// A document that has passed validate: typed, consistent, free of contradictions. Only validate makes one.

#include <optional>
#include <string>
#include <vector>

#include "dataplane/config/endpoint_name.h"
#include "dataplane/config/map_parts.h"
#include "dataplane/packet/address.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/time.h"
#include "nat/prefix_map.h"
#include "tunnel/aead.h"
#include "tunnel/wire.h"

namespace isthmus::config {

struct KernelPort {
  std::string interface;
  bool operator==(const KernelPort&) const = default;
};

struct DevicePort {
  std::string device;  // DPDK device name with its arguments
  std::vector<InterfaceAddress> addresses;
  std::optional<IpAddress> gateway;
  std::optional<MacAddress> mac;
  bool operator==(const DevicePort&) const = default;
};

using PortConfig = std::variant<KernelPort, DevicePort>;

enum class Polling : std::uint8_t { kAdaptive, kBusy };

struct PeerConfig {
  std::string name;
  tunnel::PublicKey public_key{};
  std::string preshared_key_file;             // empty: none
  std::optional<Endpoint> endpoint;           // of the first lane
  std::optional<EndpointName> endpoint_name;  // instead of endpoint: isthmusd looks it up and tells the data plane
  std::uint32_t lanes = 1;
  std::vector<std::uint16_t> endpoint_ports;  // by lane; empty without an endpoint
  Duration persistent_keepalive{0};
  std::uint16_t mtu = 0;
  std::vector<nat::PrefixMap> remote;  // as they are written: map_parts.h tells what they mean together
  std::vector<nat::PrefixMap> local;   // never empty: pods outside every given map stand here as identities
  std::vector<ExceptedRange> remote_except;
  std::vector<ExceptedRange> local_except;
  std::optional<Ipv4Address> others_seen_as;  // in none of local
  bool operator==(const PeerConfig&) const = default;
};

struct ValidatedConfig {
  std::string name;
  std::string private_key_file;
  PortConfig cluster_port;
  PortConfig underlay_port;
  std::vector<Ipv4Prefix> pods;
  std::vector<Ipv4Prefix> reserved;
  std::vector<std::uint16_t> listen_ports;  // by the number of the lanes that use it; as many as a peer has at most
  Polling polling = Polling::kAdaptive;
  tunnel::AeadChoice aead = tunnel::AeadChoice::kAuto;
  std::string metrics_address;
  std::vector<PeerConfig> peers;
  bool operator==(const ValidatedConfig&) const = default;
};

}  // namespace isthmus::config
