#pragma once
// The document that last ran, kept for the day when the file is broken or the data plane has to be started again.

#include <optional>
#include <string>
#include <variant>

#include "dataplane/config/desired_state.h"

namespace isthmus::control {

// A file of two lines: its name with the SHA-256 of the second line, and the state as JSON. A file that was cut or
// changed anywhere does not pass.
class LastGood {
 public:
  explicit LastGood(std::string directory) : directory_(std::move(directory)) {}

  // Whole or not at all, also across a power failure. The error's text, or nothing.
  std::optional<std::string> save(const config::DesiredState& state) const;

  struct Missing {};
  struct Damaged {
    std::string why;
  };
  std::variant<config::DesiredState, Missing, Damaged> load() const;

  std::string path() const { return directory_ + "/last-good"; }

 private:
  std::string directory_;
};

}  // namespace isthmus::control
