#include "dataplane/config/port_check.h"

#include <algorithm>

#include "dataplane/config/field_check.h"

namespace isthmus::config {
namespace {

constexpr std::size_t kLongestInterface = 15;  // IFNAMSIZ - 1

PortConfig check_kernel_port(const DesiredPort& port, const std::string& path, ConfigErrors& errors) {
  const std::string& name = port.interface;
  const bool odd = name == "." || name == ".." ||
                   std::any_of(name.begin(), name.end(), [](char c) { return c == '/' || c == ':' || c <= ' '; });
  if (name.size() > kLongestInterface || odd) {
    errors.push_back({path + ".interface", "'" + name + "' cannot be an interface's name",
                      "write a name of at most 15 characters as `ip link` shows it"});
  }
  const auto refuse = [&](const char* field, bool given) {
    if (!given) return;
    errors.push_back({path + "." + field, "is for a device only: the kernel knows it for an interface",
                      "remove it, or write device instead of interface"});
  };
  refuse("addresses", !port.addresses.empty());
  refuse("gateway", !port.gateway.empty());
  refuse("mac", !port.mac.empty());
  return KernelPort{name};
}

std::optional<InterfaceAddress> check_address(const std::string& text, const std::string& path, ConfigErrors& errors) {
  const std::optional<InterfaceAddress> address = parse_interface_address(text);
  if (!address) {
    errors.push_back(
        {path, "'" + text + "' is not an address with its network's length", "write it like 192.0.2.1/24"});
    return std::nullopt;
  }
  if (address->length == 0 || !special_range(address->address).empty()) {
    errors.push_back({path, text + " cannot be a port's address", "write it like 192.0.2.1/24"});
    return std::nullopt;
  }
  const Ipv4Address* v4 = std::get_if<Ipv4Address>(&address->address);
  if (v4 == nullptr) return address;  // an IPv6 network has neither an address of its own nor a broadcast address
  const Ipv4Prefix network = make_prefix(*v4, address->length);
  const bool names_all = v4->value == network.network.value || v4->value == (network.network.value | ~network.mask());
  if (address->length < 31 && names_all) {  // RFC 3021: a /31 has neither
    errors.push_back({path, text + " is the network's own or its broadcast address", "write a host's address"});
    return std::nullopt;
  }
  return address;
}

void check_gateway(const DesiredPort& port, const std::string& path, DevicePort& device, ConfigErrors& errors) {
  if (port.gateway.empty()) return;
  const std::optional<Ipv4Address> gateway = parse_ipv4(port.gateway);
  if (!gateway) {
    errors.push_back({path + ".gateway", "'" + port.gateway + "' is not an IPv4 address", "write it like 192.0.2.254"});
    return;
  }
  const std::vector<Ipv4Prefix> networks = networks_of(PortConfig(device));
  const bool on_link =
      std::any_of(networks.begin(), networks.end(), [&](Ipv4Prefix p) { return p.contains(*gateway); });
  if (!on_link && !networks.empty()) {
    errors.push_back({path + ".gateway", port.gateway + " is not on the port's network",
                      "write an address inside " + to_string(networks.front())});
  }
  device.gateway = *gateway;
}

void check_mac(const DesiredPort& port, const std::string& path, DevicePort& device, ConfigErrors& errors) {
  if (port.mac.empty()) return;
  device.mac = parse_mac(port.mac);
  constexpr const char* kAdvice = "write it like 02:00:00:00:00:01";
  if (!device.mac) {
    errors.push_back({path + ".mac", "'" + port.mac + "' is not a MAC address", kAdvice});
  } else if ((device.mac->bytes[0] & 1) != 0 || *device.mac == MacAddress{}) {
    errors.push_back({path + ".mac", port.mac + " is not one station's address", kAdvice});
  }
}

PortConfig check_device_port(const DesiredPort& port, const std::string& path, ConfigErrors& errors) {
  DevicePort device;
  device.device = port.device;
  if (port.addresses.empty()) {
    errors.push_back({path + ".addresses", "is missing: no kernel tells a device's address",
                      "write the port's addresses, such as [192.0.2.1/24]"});
  }
  for (std::size_t i = 0; i < port.addresses.size(); ++i) {
    const auto address = check_address(port.addresses[i], item_path(path + ".addresses", i), errors);
    if (address) device.addresses.push_back(*address);
  }
  check_gateway(port, path, device, errors);
  check_mac(port, path, device, errors);
  return device;
}

}  // namespace

PortConfig check_port(const DesiredPort& port, const std::string& path, ConfigErrors& errors) {
  if (!port.interface.empty() && !port.device.empty()) {
    errors.push_back({path, "has both interface and device", "keep one of them"});
    return KernelPort{port.interface};
  }
  if (!port.device.empty()) return check_device_port(port, path, errors);
  if (!port.interface.empty()) return check_kernel_port(port, path, errors);
  errors.push_back({path, "has neither interface nor device",
                    "write interface: NAME for a kernel's interface, or device: NAME for a DPDK device"});
  return KernelPort{};
}

void check_ports_differ(const DesiredPort& cluster, const DesiredPort& underlay, ConfigErrors& errors) {
  constexpr const char* kAdvice = "give the two ports different ones: pods' packets and tunnels must not mix";
  if (!cluster.interface.empty() && cluster.interface == underlay.interface) {
    errors.push_back({"ports.underlay.interface", underlay.interface + " is the cluster port already", kAdvice});
  }
  if (!cluster.device.empty() && cluster.device == underlay.device) {
    errors.push_back({"ports.underlay.device", underlay.device + " is the cluster port already", kAdvice});
  }
}

std::vector<Ipv4Prefix> networks_of(const PortConfig& port) {
  std::vector<Ipv4Prefix> networks;
  const DevicePort* device = std::get_if<DevicePort>(&port);
  if (device == nullptr) return networks;
  for (const InterfaceAddress& address : device->addresses) {
    if (const Ipv4Address* v4 = std::get_if<Ipv4Address>(&address.address)) {
      networks.push_back(make_prefix(*v4, address.length));
    }
  }
  return networks;
}

}  // namespace isthmus::config
