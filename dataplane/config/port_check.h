#pragma once
// The two ports: a kernel's interface or a DPDK device with what a kernel would have known about it.

#include "dataplane/config/validate.h"

namespace isthmus::config {

PortConfig check_port(const DesiredPort& port, const std::string& path, ConfigErrors& errors);
// The two must be different things.
void check_ports_differ(const DesiredPort& cluster, const DesiredPort& underlay, ConfigErrors& errors);

// The IPv4 networks that are on link at a device port; a kernel port's are the kernel's to know.
std::vector<Ipv4Prefix> networks_of(const PortConfig& port);

}  // namespace isthmus::config
