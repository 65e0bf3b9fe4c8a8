#include "dataplane/service/wg_interface.h"

#include <net/if.h>
#include <sys/stat.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "dataplane/config/log.h"

namespace isthmus::service {

using config::LogLevel;

std::string wg_interface_name(const std::string& cluster) { return ("isthmus-" + cluster).substr(0, IFNAMSIZ - 1); }

WgInterface::WgInterface(boost::asio::io_context& io, std::string directory, WgServer::Handler handler)
    : io_(io), directory_(std::move(directory)), handler_(std::move(handler)) {}

void WgInterface::serve(const std::string& cluster) {
  const std::string name = wg_interface_name(cluster);
  if (directory_.empty() || (server_ && name == name_) || !make_directory()) return;
  server_.reset();
  try {
    server_ = std::make_unique<WgServer>(io_, directory_ + "/" + name + ".sock", handler_);
    name_ = name;
    config::log_event(LogLevel::kInfo, "wg can be used", {{"interface", name}});
  } catch (const std::runtime_error& error) {
    config::log_event(LogLevel::kError, "wg cannot be used", {{"interface", name}, {"error", error.what()}});
  }
}

bool WgInterface::make_directory() {
  if (::mkdir(directory_.c_str(), 0700) == 0 || errno == EEXIST) return true;
  const std::string error = std::generic_category().message(errno);
  if (!std::exchange(warned_, true)) {
    config::log_event(LogLevel::kWarning, "wg cannot be used", {{"directory", directory_}, {"error", error}});
  }
  return false;
}

}  // namespace isthmus::service
