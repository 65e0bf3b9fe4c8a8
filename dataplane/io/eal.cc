#include "dataplane/io/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace isthmus::io {
namespace {

unsigned long free_hugepages() {  // MiB
  unsigned long total = 0;
  std::error_code error;
  for (const auto& size : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    unsigned long pages = 0;
    std::ifstream(size.path() / "free_hugepages") >> pages;
    unsigned long kilobytes = 0;
    const std::string name = size.path().filename();  // hugepages-2048kB
    if (const auto dash = name.find('-'); dash != std::string::npos) kilobytes = std::stoul(name.substr(dash + 1));
    total += pages * kilobytes / 1024;
  }
  return total;
}

// The main lcore may run on every CPU that this process may: threads place themselves.
std::string lcores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::string cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus += (cpus.empty() ? "" : ",") + std::to_string(cpu);
  }
  return "0@(" + cpus + ")";
}

}  // namespace

Eal::Eal(const EalOptions& options) : hugepages_(options.may_use_hugepages && free_hugepages() >= options.memory_mib) {
  std::vector<std::string> arguments{
      "isthmus-dp",        "--lcores",       lcores(), "--file-prefix",
      options.file_prefix, "--no-telemetry", "-m",     std::to_string(options.memory_mib)};
  // 22.11 refuses --in-memory together with --no-huge. With it, no hugetlbfs mount is needed and nothing is left
  // behind.
  arguments.push_back(hugepages_ ? "--in-memory" : "--no-huge");
  // Takes no network card that nobody asked for: an allow list that names no card. A card of the configuration is
  // probed by name, later.
  arguments.insert(arguments.end(), {"--allow", "0000:00:00.0"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  rte_log_set_global_level(RTE_LOG_WARNING);
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    throw EalError(std::string("DPDK did not start: ") + rte_strerror(rte_errno) + " (it wanted " +
                       std::to_string(options.memory_mib) + " MiB of " +
                       (hugepages_ ? "hugepages" : "ordinary memory") + ")",
                   hugepages_);
  }
}

Eal::~Eal() {
  const std::string files = rte_eal_get_runtime_dir();
  rte_eal_cleanup();
  std::error_code ignored;
  std::filesystem::remove_all(files, ignored);
}

}  // namespace isthmus::io
