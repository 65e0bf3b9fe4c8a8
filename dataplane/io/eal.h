#pragma once
// DPDK's environment, started once a process.

#include <stdexcept>
#include <string>

namespace isthmus::io {

struct EalOptions {
  std::string file_prefix;  // every process on a machine needs its own
  bool may_use_hugepages = true;
  unsigned memory_mib = 128;  // for packet buffers and rings
};

// DPDK did not start. It cannot be tried a second time in the same process.
class EalError : public std::runtime_error {
 public:
  EalError(const std::string& what, bool with_hugepages) : std::runtime_error(what), hugepages(with_hugepages) {}
  // It had been given hugepages: another process may have taken them meanwhile. Ordinary pages may do.
  const bool hugepages;
};

class Eal {
 public:
  // Uses hugepages where the machine has enough free ones, ordinary pages otherwise. Throws EalError.
  explicit Eal(const EalOptions& options);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  bool hugepages() const { return hugepages_; }

 private:
  bool hugepages_ = false;
};

}  // namespace isthmus::io
