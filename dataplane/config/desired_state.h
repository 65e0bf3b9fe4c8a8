#pragma once
// What the user wants, in the user's words: the document as it was written, nothing checked yet. Text stays text so
// that validate can quote it and name its place.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace isthmus::config {

inline constexpr const char* kApiVersion = "isthmus/v1alpha1";

struct DesiredMap {
  std::string real;                      // prefix, or a single address
  std::string seen_as;                   // the same, of the same length
  std::vector<std::string> except = {};  // parts of real that are not mapped
  bool operator==(const DesiredMap&) const = default;
};

struct DesiredPeer {
  std::string name;                          // the remote cluster's id, as it appears in metrics
  std::string public_key;                    // base64
  std::string preshared_key_file;            // empty: none
  std::string endpoint;                      // "192.0.2.1:51820", "gw.example.org:51820"; empty: the peer initiates
  std::int64_t lanes = 1;                    // WireGuard sessions side by side, each on UDP ports of its own; 1 to 64
  std::vector<std::int64_t> endpoint_ports;  // by lane; none: consecutive, from the endpoint's on
  std::int64_t persistent_keepalive = 0;     // seconds, 0 to 65535; 0: off
  std::int64_t mtu = 0;                      // inner MTU towards this peer; 0: the tunnel's
  std::vector<DesiredMap> remote;            // how the peer's addresses look here
  std::vector<DesiredMap> local;             // how our addresses look to the peer; none: as they are
  std::string others_seen_as;                // IPv4 address of all our senders outside those maps; empty: they die here
  bool operator==(const DesiredPeer&) const = default;
};

// Exactly one of interface and device is given.
struct DesiredPort {
  std::string interface;  // a kernel's network interface: addresses, routes and neighbours are the kernel's
  std::string device;     // a DPDK device ("net_memif,role=client" or "0000:3b:00.0"): no kernel behind it
  std::vector<std::string> addresses;  // device only: "192.0.2.1/24"
  std::string gateway;                 // device only: next hop for everything not on link
  std::string mac;                     // device only, optional
  bool operator==(const DesiredPort&) const = default;
};

struct DesiredState {
  std::string api_version;
  std::string name;              // this cluster, as its peers call it
  std::string private_key_file;  // base64, mode 0600 or stricter
  DesiredPort cluster_port;
  DesiredPort underlay_port;
  std::vector<std::string> pods;           // this cluster's pod CIDRs: who may send, and what peers may reach
  std::vector<std::string> reserved;       // other addresses of this cluster (services, nodes): no view may cover them
  std::int64_t listen_port = 51820;        // of the first lanes
  std::vector<std::int64_t> listen_ports;  // by lane, instead of listen_port; none: consecutive, from listen_port on
  std::int64_t mtu = 1420;                 // largest inner packet
  std::string polling = "adaptive";        // adaptive | busy
  std::string aead = "auto";  // auto | portable | avx2 | avx512; one that the CPU lacks is answered like auto
  std::string metrics_address = "127.0.0.1:8084";  // isthmusd's HTTP server
  std::vector<DesiredPeer> peers;
  bool operator==(const DesiredState&) const = default;
};

}  // namespace isthmus::config
