#pragma once
// One field of the document at a time: its text as a value, or an error with its path and what to write instead.

#include <optional>
#include <string>
#include <vector>

#include "dataplane/config/validate.h"

namespace isthmus::config {

// "peers[1]" for ("peers", 1)
std::string item_path(const std::string& list, std::size_t index);

// "10.244.9.9/32" for "10.244.9.9": where a single address may stand for its prefix. Other text is as it was.
std::string as_prefix(const std::string& text);
// What a map's field says, for those who leave it to the checks to tell what is wrong with it: nothing then.
std::optional<Ipv4Prefix> readable_prefix(const std::string& text);

std::optional<Ipv4Prefix> check_prefix(const std::string& text, const std::string& path, ConfigErrors& errors);
// As check_prefix, and outside the ranges that no pod can have: loopback, multicast and the like.
std::optional<Ipv4Prefix> check_unicast_prefix(const std::string& text, const std::string& path, ConfigErrors& errors);

// A name like a DNS label (RFC 1123 section 2.1): it becomes a metric's label and part of other names.
bool check_name(const std::string& text, const std::string& path, ConfigErrors& errors);
std::optional<tunnel::PublicKey> check_public_key(const std::string& text, const std::string& path,
                                                  ConfigErrors& errors);
// Where a peer is: an address and a port, or a host's name and a port.
using PeerEndpoint = std::variant<Endpoint, EndpointName>;
std::optional<PeerEndpoint> check_endpoint(const std::string& text, const std::string& path, ConfigErrors& errors);
// Where isthmusd listens.
void check_listen_address(const std::string& text, const std::string& path, ConfigErrors& errors);
void check_file(const std::string& text, const std::string& path, const char* advice, ConfigErrors& errors);
// Returns the value, or the lower bound when it is not between the bounds.
std::int64_t check_number(std::int64_t value, std::int64_t low, std::int64_t high, const std::string& path,
                          ConfigErrors& errors);

// UDP ports, one a lane: those listed, or as many as are needed from `first` on. Errors are told under `path`, each
// with the place in the list.
std::vector<std::uint16_t> check_lane_ports(const std::vector<std::int64_t>& listed, std::int64_t first,
                                            std::size_t lanes, const std::string& path, ConfigErrors& errors);

// What the range that the prefix touches is for; empty: an ordinary address.
std::string special_range(Ipv4Prefix prefix);
std::string special_range(const IpAddress& address);
// Puts these ranges into the plan.
class AddressPlan;
void claim_special_ranges(AddressPlan& plan);

}  // namespace isthmus::config
