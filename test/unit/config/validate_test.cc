#include "dataplane/config/validate.h"

#include <gtest/gtest.h>

#include <functional>

#include "test/unit/config/sample.h"

namespace isthmus::config {
namespace {

ConfigErrors errors_of(const DesiredState& state) {
  auto result = validate(state);
  const ConfigErrors* errors = std::get_if<ConfigErrors>(&result);
  return errors != nullptr ? *errors : ConfigErrors{};
}

ValidatedConfig config_of(const DesiredState& state) {
  auto result = validate(state);
  if (const ConfigErrors* errors = std::get_if<ConfigErrors>(&result)) {
    for (const ConfigError& error : *errors) ADD_FAILURE() << to_string(error);
    return {};
  }
  return std::get<ValidatedConfig>(result);
}

// One mistake, and the one error that it must give, word by word.
struct Refusal {
  const char* what;
  std::function<void(DesiredState&)> mistake;
  const char* error;
};

void make_device(DesiredState& s) {
  s.underlay_port = {};
  s.underlay_port.device = "0000:3b:00.0";
  s.underlay_port.addresses = {"192.0.2.1/24"};
}

const Refusal kRefusals[] = {
    {"shared address is none", [](DesiredState& s) { s.peers[1].others_seen_as = "10.70.0.0/32"; },
     "peers[1].othersSeenAs: '10.70.0.0/32' is not an IPv4 address; write one like 10.70.0.0"},
    {"shared address beside an exception", [](DesiredState& s) { s.peers[1].local[0].except = {"10.244.255.0/24"}; },
     "peers[1].othersSeenAs: would let out what a local map of this peer excepts; remove it, or the except of those "
     "maps: what is excepted does not send"},
    {"shared address is special", [](DesiredState& s) { s.peers[1].others_seen_as = "127.0.0.1"; },
     "peers[1].othersSeenAs: 127.0.0.1 overlaps loopback (127.0.0.0/8); write an ordinary address"},
    {"shared address among the pods' views", [](DesiredState& s) { s.peers[1].others_seen_as = "10.91.3.4"; },
     "peers[1].othersSeenAs: 10.91.3.4 is in 10.91.0.0/16, which this peer sees pods in; write an address outside it"},
    {"shared address of a pod that keeps its own", [](DesiredState& s) { s.peers[0].others_seen_as = "10.244.0.0"; },
     "peers[0].othersSeenAs: 10.244.0.0 is in 10.244.0.0/16, which this peer sees pods in; write an address outside "
     "it"},
    {"version missing", [](DesiredState& s) { s.api_version = ""; }, "apiVersion: is missing; write isthmus/v1alpha1"},
    {"version unknown", [](DesiredState& s) { s.api_version = "isthmus/v2"; },
     "apiVersion: 'isthmus/v2' is not known; write isthmus/v1alpha1"},
    {"name missing", [](DesiredState& s) { s.name = ""; },
     "name: is missing; write 1 to 63 lower-case letters, digits and hyphens that begin and end with a letter or "
     "digit"},
    {"name with capitals", [](DesiredState& s) { s.name = "Crown"; },
     "name: 'Crown' is not a name; write 1 to 63 lower-case letters, digits and hyphens that begin and end with a "
     "letter or digit"},
    {"peer name ends with a hyphen", [](DesiredState& s) { s.peers[1].name = "topix-"; },
     "peers[1].name: 'topix-' is not a name; write 1 to 63 lower-case letters, digits and hyphens that begin and end "
     "with a letter or digit"},
    {"key file missing", [](DesiredState& s) { s.private_key_file = ""; },
     "privateKeyFile: is missing; write the file that `wg genkey` filled, such as /etc/isthmus/private.key"},
    {"port missing", [](DesiredState& s) { s.cluster_port = {}; },
     "ports.cluster: has neither interface nor device; write interface: NAME for a kernel's interface, or device: NAME "
     "for a DPDK device"},
    {"port of both kinds", [](DesiredState& s) { s.cluster_port.device = "net_memif"; },
     "ports.cluster: has both interface and device; keep one of them"},
    {"interface too long", [](DesiredState& s) { s.cluster_port.interface = "a234567890123456"; },
     "ports.cluster.interface: 'a234567890123456' cannot be an interface's name; write a name of at most 15 characters "
     "as `ip link` shows it"},
    {"interface with a slash", [](DesiredState& s) { s.cluster_port.interface = "../x"; },
     "ports.cluster.interface: '../x' cannot be an interface's name; write a name of at most 15 characters as `ip "
     "link` shows it"},
    {"interface with a gateway", [](DesiredState& s) { s.underlay_port.gateway = "192.0.2.1"; },
     "ports.underlay.gateway: is for a device only: the kernel knows it for an interface; remove it, or write device "
     "instead of interface"},
    {"one interface twice", [](DesiredState& s) { s.underlay_port.interface = "eth1"; },
     "ports.underlay.interface: eth1 is the cluster port already; give the two ports different ones: pods' packets and "
     "tunnels must not mix"},
    {"device without addresses", [](DesiredState& s) { make_device(s), s.underlay_port.addresses.clear(); },
     "ports.underlay.addresses: is missing: no kernel tells a device's address; write the port's addresses, such as "
     "[192.0.2.1/24]"},
    {"device with half an address", [](DesiredState& s) { make_device(s), s.underlay_port.addresses = {"192.0.2.1"}; },
     "ports.underlay.addresses[0]: '192.0.2.1' is not an address with its network's length; write it like "
     "192.0.2.1/24"},
    {"device with a network's address",
     [](DesiredState& s) { make_device(s), s.underlay_port.addresses = {"192.0.2.0/24"}; },
     "ports.underlay.addresses[0]: 192.0.2.0/24 is the network's own or its broadcast address; write a host's address"},
    {"gateway elsewhere", [](DesiredState& s) { make_device(s), s.underlay_port.gateway = "198.51.100.1"; },
     "ports.underlay.gateway: 198.51.100.1 is not on the port's network; write an address inside 192.0.2.0/24"},
    {"multicast MAC", [](DesiredState& s) { make_device(s), s.underlay_port.mac = "03:00:00:00:00:01"; },
     "ports.underlay.mac: 03:00:00:00:00:01 is not one station's address; write it like 02:00:00:00:00:01"},
    {"pods missing", [](DesiredState& s) { s.pods.clear(), s.peers[1].local.clear(); },
     "pods: is missing: nobody in this cluster could send; write its pod CIDRs, such as [10.244.0.0/16]"},
    {"pods not a prefix", [](DesiredState& s) { s.pods.push_back("ten"); },
     "pods[1]: 'ten' is not a prefix; write address/length, such as 10.71.0.0/16"},
    {"pods without a length", [](DesiredState& s) { s.pods.push_back("10.3.0.1"); },
     "pods[1]: 10.3.0.1 has no length; write 10.3.0.1/32 for this one address"},
    {"pods with host bits", [](DesiredState& s) { s.pods.push_back("10.3.4.5/16"); },
     "pods[1]: 10.3.4.5/16 has host bits; write 10.3.0.0/16"},
    {"pods of length 0", [](DesiredState& s) { s.pods = {"0.0.0.0/0"}, s.peers[1].local.clear(); },
     "pods[0]: 0.0.0.0/0 has a length that is not between 1 and 32; write address/length, such as 10.71.0.0/16"},
    {"pods of length 33", [](DesiredState& s) { s.pods.push_back("10.3.0.0/33"); },
     "pods[1]: 10.3.0.0/33 has a length that is not between 1 and 32; write address/length, such as 10.71.0.0/16"},
    {"pods in IPv6", [](DesiredState& s) { s.pods.push_back("fd00::/64"); },
     "pods[1]: fd00::/64: IPv6 prefixes are not supported yet; write an IPv4 prefix"},
    {"pods overlap", [](DesiredState& s) { s.pods.push_back("10.244.8.0/24"); },
     "pods[1]: 10.244.8.0/24 overlaps 10.244.0.0/16 of pods[0]; remove one of them"},
    {"pods on loopback", [](DesiredState& s) { s.pods.push_back("127.1.0.0/16"); },
     "pods[1]: 127.1.0.0/16 overlaps loopback (127.0.0.0/8); write a prefix of ordinary addresses"},
    {"reserved overlaps pods", [](DesiredState& s) { s.reserved.push_back("10.244.0.0/24"); },
     "reserved[1]: 10.244.0.0/24 overlaps 10.244.0.0/16 of pods[0]; write addresses that are not pods': those are kept "
     "free already"},
    {"port 0", [](DesiredState& s) { s.listen_port = 0; },
     "tunnel.listenPort: 0 is out of range; write a number from 1 to 65535"},
    {"port 65536", [](DesiredState& s) { s.listen_port = 65536; },
     "tunnel.listenPort: 65536 is out of range; write a number from 1 to 65535"},
    {"listen port and ports",
     [](DesiredState& s) {
       s.listen_port = 7000;
       s.listen_ports = {7001};
     },
     "tunnel.listenPort: 7000 is not the first of listenPorts; write one of the two fields only"},
    {"one listen port twice",
     [](DesiredState& s) {
       s.listen_ports = {7001, 7001};
     },
     "tunnel.listenPorts[1]: 7001 stands in the list already; write another port"},
    {"listen port in a list out of range",
     [](DesiredState& s) {
       s.listen_ports = {7001, 0};
     },
     "tunnel.listenPorts[1]: 0 is out of range; write a number from 1 to 65535"},
    {"65 listen ports",
     [](DesiredState& s) {
       for (std::int64_t port = 1; port <= 65; ++port) s.listen_ports.push_back(port);
     },
     "tunnel.listenPorts: lists 65 ports; write at most 64: a peer has no more lanes"},
    {"fewer listen ports than lanes",
     [](DesiredState& s) {
       s.peers[0].lanes = 3;
       s.listen_ports = {7001, 7003};
     },
     "tunnel.listenPorts: lists 2 ports for 3 lanes; write a port for each lane, or leave the list out: they are "
     "consecutive then"},
    {"lanes beyond the last port",
     [](DesiredState& s) {
       s.peers[0].lanes = 3;
       s.listen_port = 65534;
     },
     "tunnel.listenPort: 3 lanes from port 65534 on go beyond 65535; begin with a lower port, or list one for each "
     "lane"},
    {"no lane", [](DesiredState& s) { s.peers[0].lanes = 0; },
     "peers[0].lanes: 0 is out of range; write a number from 1 to 64"},
    {"65 lanes", [](DesiredState& s) { s.peers[0].lanes = 65, s.peers[0].endpoint.clear(); },
     "peers[0].lanes: 65 is out of range; write a number from 1 to 64"},
    {"endpoint's lanes beyond the last port",
     [](DesiredState& s) {
       s.peers[0].lanes = 2;
       s.peers[0].endpoint = "192.0.2.2:65535";
     },
     "peers[0].endpoint: 2 lanes from port 65535 on go beyond 65535; begin with a lower port, or list one for each "
     "lane"},
    {"endpoint ports without an endpoint",
     [](DesiredState& s) {
       s.peers[0].endpoint.clear();
       s.peers[0].endpoint_ports = {7001};
     },
     "peers[0].endpointPorts: says nothing without an endpoint; write endpoint: address:port too"},
    {"endpoint ports begin elsewhere", [](DesiredState& s) { s.peers[0].endpoint_ports = {7001}; },
     "peers[0].endpointPorts: does not begin with the endpoint's port 51820; write the first lane's port in both"},
    {"a lane at another peer's endpoint",
     [](DesiredState& s) {
       s.peers[0].lanes = 2;
       s.peers[1].endpoint = "192.0.2.2:51821";
     },
     "peers[1].endpoint: 192.0.2.2:51821 is the endpoint of peers[0] too; write each peer's own endpoint"},
    {"MTU 575", [](DesiredState& s) { s.mtu = 575; },
     "tunnel.mtu: 575 is out of range; write a number from 576 to 9000"},
    {"MTU 9001", [](DesiredState& s) { s.mtu = 9001; },
     "tunnel.mtu: 9001 is out of range; write a number from 576 to 9000"},
    {"polling", [](DesiredState& s) { s.polling = "always"; },
     "polling: 'always' is not known; write one of adaptive, busy"},
    {"aead", [](DesiredState& s) { s.aead = "none"; },
     "aead: 'none' is not known; write one of auto, portable, avx2, avx512"},
    {"metrics address", [](DesiredState& s) { s.metrics_address = "8084"; },
     "metrics.address: '8084' is not an address and port; write address:port, such as 127.0.0.1:8084"},
    {"own name", [](DesiredState& s) { s.peers[0].name = "crownlabs"; },
     "peers[0].name: crownlabs is this cluster's own name; write the other cluster's name"},
    {"one name twice", [](DesiredState& s) { s.peers[1].name = "netlab"; },
     "peers[1].name: netlab is the name of peers[0] too; give every peer its own name"},
    {"key missing", [](DesiredState& s) { s.peers[0].public_key = ""; },
     "peers[0].publicKey: is missing; write the peer's public key as `wg pubkey` prints it: 44 characters that end "
     "with ="},
    {"key too short", [](DesiredState& s) { s.peers[0].public_key = "AAAA"; },
     "peers[0].publicKey: 'AAAA' is not a base64 key of 32 bytes; write the peer's public key as `wg pubkey` prints "
     "it: 44 characters that end with ="},
    {"key of zeros", [](DesiredState& s) { s.peers[0].public_key = std::string(43, 'A') + "="; },
     "peers[0].publicKey: the key is all zeros; write the peer's public key as `wg pubkey` prints it: 44 characters "
     "that end with ="},
    {"one key twice", [](DesiredState& s) { s.peers[1].public_key = s.peers[0].public_key; },
     "peers[1].publicKey: this is the key of peers[0] too; write each peer's own key: a key tells peers apart"},
    {"endpoint without a port", [](DesiredState& s) { s.peers[0].endpoint = "192.0.2.2"; },
     "peers[0].endpoint: '192.0.2.2' is not an address and port; write address:port or name:port, such as "
     "192.0.2.1:51820 or gw.example.org:51820"},
    {"endpoint of digits and dots", [](DesiredState& s) { s.peers[0].endpoint = "192.0.2.300:51820"; },
     "peers[0].endpoint: '192.0.2.300:51820' is not an address and port; write address:port or name:port, such as "
     "192.0.2.1:51820 or gw.example.org:51820"},
    {"endpoint's name without a port", [](DesiredState& s) { s.peers[0].endpoint = "gw.example.org"; },
     "peers[0].endpoint: 'gw.example.org' has no port from 1 to 65535; write address:port or name:port, such as "
     "192.0.2.1:51820 or gw.example.org:51820"},
    {"endpoint's name with an underscore", [](DesiredState& s) { s.peers[0].endpoint = "g_w.example.org:51820"; },
     "peers[0].endpoint: 'g_w.example.org' is not a host's name: letters, digits and hyphens between dots, 63 at most, "
     "253 in all; write address:port or name:port, such as 192.0.2.1:51820 or gw.example.org:51820"},
    {"endpoint is IPv4 in IPv6", [](DesiredState& s) { s.peers[0].endpoint = "[::ffff:127.0.0.1]:51820"; },
     "peers[0].endpoint: [::ffff:127.0.0.1]:51820 is an address of IPv4 in IPv6 (::ffff:0:0/96); write the address at "
     "which the peer's gateway listens"},
    {"one endpoint's name twice",
     [](DesiredState& s) { s.peers[0].endpoint = "gw.example.org:1", s.peers[1].endpoint = "GW.example.org:1"; },
     "peers[1].endpoint: GW.example.org:1 is the endpoint of peers[0] too; write each peer's own endpoint"},
    {"endpoint is link-local", [](DesiredState& s) { s.peers[0].endpoint = "[fe80::1]:51820"; },
     "peers[0].endpoint: [fe80::1]:51820 is an address of link-local (fe80::/10); write the address at which the "
     "peer's "
     "gateway listens"},
    {"endpoint is multicast", [](DesiredState& s) { s.peers[0].endpoint = "224.0.0.1:51820"; },
     "peers[0].endpoint: 224.0.0.1:51820 is an address of multicast (224.0.0.0/4); write the address at which the "
     "peer's gateway listens"},
    {"one endpoint twice", [](DesiredState& s) { s.peers[1].endpoint = "192.0.2.2:51820"; },
     "peers[1].endpoint: 192.0.2.2:51820 is the endpoint of peers[0] too; write each peer's own endpoint"},
    {"keepalive", [](DesiredState& s) { s.peers[0].persistent_keepalive = 65536; },
     "peers[0].persistentKeepalive: 65536 is out of range; write a number from 0 to 65535"},
    {"peer's MTU", [](DesiredState& s) { s.peers[0].mtu = 100; },
     "peers[0].mtu: 100 is out of range; write a number from 576 to 9000"},
    {"remote missing", [](DesiredState& s) { s.peers[0].remote.clear(); },
     "peers[0].remote: is missing: nothing of this peer could be reached; write its pods' prefix and how it looks "
     "here, such as [{real: 10.244.0.0/16, seenAs: 10.71.0.0/16}]"},
    {"view missing", [](DesiredState& s) { s.peers[0].remote[0].seen_as = ""; },
     "peers[0].remote[0].seenAs: is missing; write address/length, such as 10.71.0.0/16"},
    {"lengths differ", [](DesiredState& s) { s.peers[0].remote[0].seen_as = "10.71.3.0/24"; },
     "peers[0].remote[0].seenAs: 10.71.3.0/24 and 10.244.0.0/16 have unequal lengths; write both with one length, such "
     "as 10.71.0.0/16 here"},
    {"one peer's remote overlaps",
     [](DesiredState& s) {
       s.peers[1].remote[1] = {"10.0.0.0/16", "10.73.0.0/16"};
     },
     "peers[1].remote[1].real: 10.0.0.0/16 overlaps 10.0.0.0/16 of peers[1].remote[0].real, the same peer's; write "
     "each address once"},
    {"a view of two reals", [](DesiredState& s) { s.peers[1].remote[1].seen_as = "10.72.9.0/24"; },
     "peers[1].remote[1].seenAs: 10.72.9.0/24 overlaps 10.72.0.0/16 of peers[1].remote[0].seenAs; write 10.0.0.0/24, "
     "which is free"},
    {"two single addresses seen as one",
     [](DesiredState& s) {
       s.peers[1].remote = {{"10.0.0.1", "10.72.0.9"}, {"10.0.0.2/32", "10.72.0.9/32"}};
     },
     "peers[1].remote[1].seenAs: 10.72.0.9/32 overlaps 10.72.0.9/32 of peers[1].remote[0].seenAs; write 10.0.0.0/32, "
     "which is free"},
    {"a single address seen as another peer's",
     [](DesiredState& s) {
       s.peers[1].remote.push_back({"10.0.0.1", "10.71.0.9"});
     },
     "peers[1].remote[2].seenAs: 10.71.0.9/32 overlaps 10.71.0.0/16 of peers[0].remote[0].seenAs; write 10.0.0.0/32, "
     "which is free"},
    {"a single address for a prefix", [](DesiredState& s) { s.peers[1].remote[1].seen_as = "10.73.5.0"; },
     "peers[1].remote[1].seenAs: 10.73.5.0 and 10.5.0.0/24 have unequal lengths; write both with one length, such as "
     "10.73.5.0/24 here"},
    {"a map of which nothing is left",
     [](DesiredState& s) {
       s.peers[1].remote = {{"10.0.0.0/31", "10.72.0.0/31"}, {"10.0.0.0", "10.73.0.1"}, {"10.9.0.1", "10.72.0.1"}};
     },
     "peers[1].remote[0]: nothing is left of it: longer maps and except take all its addresses, or hide its view; "
     "remove it, or "
     "one of those"},
    {"views of two peers overlap", [](DesiredState& s) { s.peers[1].remote[1].seen_as = "10.71.9.0/24"; },
     "peers[1].remote[1].seenAs: 10.71.9.0/24 overlaps 10.71.0.0/16 of peers[0].remote[0].seenAs; write 10.0.0.0/24, "
     "which is free"},
    {"view around another",
     [](DesiredState& s) {
       s.peers[1].remote = {{"11.0.0.0/9", "10.0.0.0/9"}};
     },
     "peers[1].remote[0].seenAs: 10.0.0.0/9 overlaps 10.71.0.0/16 of peers[0].remote[0].seenAs; write a prefix that "
     "nothing else uses"},
    {"view covers pods", [](DesiredState& s) { s.peers[0].remote[0].seen_as = "10.244.0.0/16"; },
     "peers[0].remote[0].seenAs: 10.244.0.0/16 overlaps 10.244.0.0/16 of pods[0]; write 10.0.0.0/16, which is free"},
    {"view covers reserved", [](DesiredState& s) { s.peers[0].remote[0].seen_as = "10.96.0.0/16"; },
     "peers[0].remote[0].seenAs: 10.96.0.0/16 overlaps 10.96.0.0/12 of reserved[0]; write 10.0.0.0/16, which is free"},
    {"view over a later peer's gateway",
     [](DesiredState& s) {
       s.peers[0].remote = {{"10.9.3.0/24", "198.51.100.0/24"}};
       s.peers[1].endpoint = "198.51.100.7:51820";
     },
     "peers[0].remote[0].seenAs: 198.51.100.0/24 overlaps 198.51.100.7/32 of peers[1].endpoint; write 10.0.0.0/24, "
     "which is free"},
    {"view covers the underlay", [](DesiredState& s) { make_device(s), s.peers[0].remote[0].seen_as = "192.0.0.0/16"; },
     "peers[0].remote[0].seenAs: 192.0.0.0/16 overlaps 192.0.2.0/24 of the underlay port's network; write 10.0.0.0/16, "
     "which is free"},
    {"view on link-local", [](DesiredState& s) { s.peers[0].remote[0].seen_as = "169.254.0.0/16"; },
     "peers[0].remote[0].seenAs: 169.254.0.0/16 overlaps link-local (169.254.0.0/16); write 10.0.0.0/16, which is "
     "free"},
    {"real on multicast", [](DesiredState& s) { s.peers[0].remote[0].real = "224.5.0.0/16"; },
     "peers[0].remote[0].real: 224.5.0.0/16 overlaps multicast (224.0.0.0/4); write a prefix of ordinary addresses"},
    {"an exception outside its map",
     [](DesiredState& s) {
       s.peers[0].remote[0].except = {"10.244.9.9", "10.245.0.0/24"};
     },
     "peers[0].remote[0].except[1]: 10.245.0.0/24 is not inside the map's real, 10.244.0.0/16; write a part of that, "
     "or "
     "remove it: what is in no map is not mapped anyway"},
    {"an exception around its map",
     [](DesiredState& s) { s.peers[1].local[0].except = {"10.244.0.0/15"}, s.peers[1].others_seen_as.clear(); },
     "peers[1].local[0].except[0]: 10.244.0.0/15 is not inside the map's real, 10.244.0.0/16; write a part of that, or "
     "remove it: what is in no map is not mapped anyway"},
    {"an exception that cannot be read", [](DesiredState& s) { s.peers[0].remote[0].except = {"10.244.9.9/24"}; },
     "peers[0].remote[0].except[0]: 10.244.9.9/24 has host bits; write 10.244.9.0/24"},
    {"all excepted",
     [](DesiredState& s) {
       s.peers[0].remote[0].except = {"10.244.0.0/17", "10.244.128.0/17"};
     },
     "peers[0].remote[0]: nothing is left of it: longer maps and except take all its addresses, or hide its view; "
     "remove it, or one of those"},
    {"local outside pods",
     [](DesiredState& s) {
       s.peers[1].local.push_back({"10.3.0.0/24", "10.92.0.0/24"});
     },
     "peers[1].local[1].real: 10.3.0.0/24 is not inside this cluster's pods; write a prefix inside 10.244.0.0/16, or "
     "add this one to pods"},
    {"local around pods",
     [](DesiredState& s) {
       s.peers[1].local = {{"10.244.0.0/15", "10.92.0.0/15"}};
     },
     "peers[1].local[0].real: 10.244.0.0/15 is not inside this cluster's pods; write a prefix inside 10.244.0.0/16, or "
     "add this one to pods"},
    {"local overlaps",
     [](DesiredState& s) {
       s.peers[1].local.push_back({"10.244.0.0/16", "10.92.0.0/16"});
     },
     "peers[1].local[1].real: 10.244.0.0/16 overlaps 10.244.0.0/16 of peers[1].local[0].real; write each address once"},
    {"local views overlap",
     [](DesiredState& s) {
       s.peers[1].local = {{"10.244.0.0/17", "10.91.0.0/17"}, {"10.244.128.0/24", "10.91.1.0/24"}};
     },
     "peers[1].local[1].seenAs: 10.91.1.0/24 overlaps 10.91.0.0/17 of peers[1].local[0].seenAs; write a prefix that "
     "this peer does not see anything else in"},
    {"local view hides other pods",
     [](DesiredState& s) {
       s.peers[1].local = {{"10.244.1.0/24", "10.244.2.0/24"}};
     },
     "peers[1].local[0].seenAs: 10.244.2.0/24 overlaps 10.244.2.0/23 of the pods that keep their own addresses; write "
     "a prefix that this peer does not see anything else in"},
    {"local view is broadcast",
     [](DesiredState& s) {
       s.peers[1].local = {{"10.244.1.1/32", "255.255.255.255/32"}};
     },
     "peers[1].local[0].seenAs: 255.255.255.255/32 overlaps broadcast (255.255.255.255); write a prefix of ordinary "
     "addresses"},
};

TEST(Validate, RefusesEveryMistakeInItsWords) {
  for (const Refusal& refusal : kRefusals) {
    DesiredState state = sample();
    refusal.mistake(state);
    const ConfigErrors errors = errors_of(state);
    ASSERT_EQ(errors.size(), 1U) << refusal.what << ": " << (errors.size() > 1 ? to_string(errors[1]) : "");
    EXPECT_EQ(to_string(errors[0]), refusal.error) << refusal.what;
  }
}

TEST(Validate, AcceptsTheSampleWithItsTypes) {
  const ValidatedConfig config = config_of(sample());
  EXPECT_EQ(config.name, "crownlabs");
  EXPECT_EQ(std::get<KernelPort>(config.cluster_port).interface, "eth1");
  EXPECT_EQ(config.listen_ports, std::vector<std::uint16_t>{51820});
  ASSERT_EQ(config.peers.size(), 2U);
  EXPECT_EQ(to_string(*config.peers[0].endpoint), "192.0.2.2:51820");
  EXPECT_EQ(config.peers[0].persistent_keepalive, std::chrono::seconds(25));
  EXPECT_EQ(config.peers[0].mtu, 1420);
  EXPECT_EQ(config.peers[1].mtu, 1300);
  EXPECT_FALSE(config.peers[1].endpoint);
  ASSERT_EQ(config.peers[0].remote.size(), 1U);
  EXPECT_EQ(to_string(config.peers[0].remote[0].real), "10.244.0.0/16");
  EXPECT_EQ(to_string(config.peers[0].remote[0].seen_as), "10.71.0.0/16");
}

TEST(Validate, LanesHaveConsecutiveOrListedPorts) {
  DesiredState state = sample();
  state.listen_port = 7000;
  state.peers[0].lanes = 3;
  ValidatedConfig config = config_of(state);
  EXPECT_EQ(config.listen_ports, (std::vector<std::uint16_t>{7000, 7001, 7002}));
  EXPECT_EQ(config.peers[0].lanes, 3U);
  EXPECT_EQ(config.peers[0].endpoint_ports, (std::vector<std::uint16_t>{51820, 51821, 51822}));
  EXPECT_EQ(config.peers[1].lanes, 1U);

  state.listen_port = 51820;
  state.listen_ports = {9, 8, 7, 6};
  state.peers[0].endpoint_ports = {51820, 443, 53};
  config = config_of(state);
  EXPECT_EQ(config.listen_ports, (std::vector<std::uint16_t>{9, 8, 7, 6}));
  EXPECT_EQ(config.peers[0].endpoint_ports, (std::vector<std::uint16_t>{51820, 443, 53}));
}

TEST(Validate, AcceptsAHostsNameAsEndpoint) {
  DesiredState state = sample();
  state.peers[0].endpoint = "gw.example.org:51820";
  state.peers[1].endpoint = "gw.example.org:51821";  // two gateways behind one address
  const ValidatedConfig config = config_of(state);
  EXPECT_FALSE(config.peers[0].endpoint);
  EXPECT_EQ(config.peers[0].endpoint_name, (EndpointName{"gw.example.org", 51820}));
  EXPECT_EQ(config.peers[1].endpoint_name, (EndpointName{"gw.example.org", 51821}));
  EXPECT_FALSE(config_of(sample()).peers[0].endpoint_name);
}

TEST(Validate, AcceptsADeviceWithItsAddresses) {
  DesiredState state = sample();
  make_device(state);
  state.underlay_port.gateway = "192.0.2.254";
  state.underlay_port.mac = "02:00:00:00:00:01";
  const ValidatedConfig config = config_of(state);
  const DevicePort& port = std::get<DevicePort>(config.underlay_port);
  EXPECT_EQ(port.device, "0000:3b:00.0");
  ASSERT_EQ(port.addresses.size(), 1U);
  EXPECT_EQ(to_string(port.addresses[0]), "192.0.2.1/24");
  EXPECT_EQ(to_string(*port.gateway), "192.0.2.254");
  EXPECT_EQ(to_string(*port.mac), "02:00:00:00:00:01");
}

TEST(Validate, GivesAllErrorsInTheDocumentsOrder) {
  DesiredState state = sample();
  state.name = "";
  state.pods.push_back("x");
  state.mtu = 1;
  state.peers[0].endpoint = "x";
  state.peers[1].public_key = "x";
  std::vector<std::string> paths;
  for (const ConfigError& error : errors_of(state)) paths.push_back(error.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{"name", "pods[1]", "tunnel.mtu", "peers[0].endpoint", "peers[1].publicKey"}));
}

TEST(Validate, TwoClashesGetTwoDifferentFreePrefixes) {
  DesiredState state = sample();
  state.pods = {"10.244.0.0/16", "10.0.0.0/16"};
  state.peers[0].remote[0].seen_as = "10.244.0.0/16";
  state.peers[1].remote = {{"10.8.0.0/16", "10.244.0.0/16"}, {"10.9.0.0/16", "10.1.0.0/16"}};
  const ConfigErrors errors = errors_of(state);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].advice, "write 10.2.0.0/16, which is free");  // 10.0 is pods', 10.1 a later view's
  EXPECT_EQ(errors[1].advice, "write 10.3.0.0/16, which is free");
}

TEST(Validate, DifferentPeersMayHaveTheSameRealAddresses) {
  DesiredState state = sample();
  state.peers[1].remote[0].real = state.peers[0].remote[0].real;
  EXPECT_TRUE(errors_of(state).empty());
}

DesiredState many_peers(std::size_t count) {
  DesiredState state = sample();
  state.pods = {"192.168.0.0/24"};
  state.reserved.clear();
  state.peers.clear();
  for (std::size_t i = 0; i < count; ++i) {
    DesiredPeer peer;
    peer.name = "p" + std::to_string(i);
    peer.public_key = kKeyA;
    peer.public_key[0] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[i % 32];
    peer.public_key[1] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[i / 32 % 32];
    peer.public_key[2] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[i / 1024 % 32];
    peer.remote = {{"10.244.0.0/24", "10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".0/24"}};
    state.peers.push_back(peer);
  }
  return state;
}

TEST(Validate, TakesAtMost4096Peers) {
  EXPECT_TRUE(errors_of(many_peers(4096)).empty());
  const ConfigErrors errors = errors_of(many_peers(4097));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(to_string(errors[0]), "peers: 4097 peers are too many; write at most 4096");
}

}  // namespace
}  // namespace isthmus::config
