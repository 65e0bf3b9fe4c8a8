#pragma once
// DesiredState -> ValidatedConfig: every error at once, or types that need no further check.

#include <string>
#include <variant>
#include <vector>

#include "dataplane/config/desired_state.h"
#include "dataplane/config/validated_config.h"

namespace isthmus::config {

struct ConfigError {
  std::string path;     // "peers[1].remote[0].seenAs", as the user would find it in the document
  std::string message;  // what is wrong, with the offending text
  std::string advice;   // what to write instead
  bool operator==(const ConfigError&) const = default;
};
using ConfigErrors = std::vector<ConfigError>;

// Pure: reads no file and no clock. Errors are in the document's order.
std::variant<ValidatedConfig, ConfigErrors> validate(const DesiredState& desired);

// "peers[1].remote[0].seenAs: 10.71.0.1/16 has host bits; write 10.71.0.0/16"
std::string to_string(const ConfigError& error);

}  // namespace isthmus::config
