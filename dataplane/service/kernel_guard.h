#pragma once
// Keeps the kernel out of traffic that is ours. The kernel sees every packet that we forward too: without a word from
// us it would answer our UDP port with "port unreachable" and route or reject what goes to the other clusters.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/packet/address.h"

namespace isthmus::service {

struct GuardRules {
  std::string underlay_interface;        // empty: nothing to guard there
  std::vector<std::uint16_t> udp_ports;  // ours, on the underlay
  std::string cluster_interface;         // empty: nothing to guard there
  std::vector<Ipv4Prefix> destinations;  // ours to forward, as they are addressed on the cluster port; may overlap
};

// The nftables table `inet isthmus_<name>` with one chain before connection tracking that drops and counts. The table
// outlives a process that crashes, so that a restart finds nothing rejected meanwhile; install() then replaces it.
class KernelGuard {
 public:
  explicit KernelGuard(const std::string& name);
  ~KernelGuard();  // remove(), without a word about its failure
  KernelGuard(const KernelGuard&) = delete;
  KernelGuard& operator=(const KernelGuard&) = delete;

  // Replaces the table in one transaction: after an exception what was there before is still there. Throws
  // std::system_error that says which part failed and which capability is missing.
  void install(const GuardRules& rules);
  void remove();

  const std::string& table() const { return table_; }

 private:
  const std::string table_;
  bool installed_ = false;
};

// Addresses from `first` to `last`, both included.
struct AddressRange {
  Ipv4Address first;
  Ipv4Address last;
  auto operator<=>(const AddressRange&) const = default;
};
// The same addresses as sorted ranges that neither overlap nor touch: the kernel refuses a set with overlaps.
std::vector<AddressRange> merge(std::span<const Ipv4Prefix> prefixes);

// A name that `nft` can also be given: other characters than letters, digits, '-', '_' and '.' become '_'.
std::string guard_table_name(const std::string& name);

}  // namespace isthmus::service
