#pragma once
// The gateway as `wg` sees it: an interface named after the cluster.

#include <memory>
#include <string>

#include "dataplane/service/wg_server.h"

namespace isthmus::service {

// "isthmus-crownla" for crownlabs: as long as an interface's name may be.
std::string wg_interface_name(const std::string& cluster);

// Serves DIRECTORY/INTERFACE.sock. Without it the gateway works, so what hinders it is told and nothing more.
class WgInterface {
 public:
  // An empty directory: serves nothing.
  WgInterface(boost::asio::io_context& io, std::string directory, WgServer::Handler handler);

  // To be called with every document: what did not work before may work now.
  void serve(const std::string& cluster);

 private:
  bool make_directory();

  boost::asio::io_context& io_;
  const std::string directory_;
  const WgServer::Handler handler_;
  std::string name_;  // of the interface that is served
  std::unique_ptr<WgServer> server_;
  bool warned_ = false;
};

}  // namespace isthmus::service
