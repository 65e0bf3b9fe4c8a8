#pragma once
// Keys come from files, never from a document or its socket. (Those that `wg` brings stay in memory: gateway_wg.cc.)

#include <string>
#include <variant>

#include "dataplane/config/validate.h"
#include "tunnel/tunnel.h"

namespace isthmus::service {

// Base64 on one line, as `wg genkey` and `wg genpsk` write it, in a file that nobody but its owner can read (mode 0600
// or stricter). The error names `path`, the place in the document, and never shows what the file holds.
std::variant<tunnel::SecretKey, config::ConfigError> read_secret(const std::string& file, const std::string& path);

}  // namespace isthmus::service
