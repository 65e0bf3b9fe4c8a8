#pragma once
// isthmusctl validate: every document alone, and those of several clusters against each other.

#include <ostream>
#include <string>
#include <vector>

namespace isthmus::control {

// False: something is wrong, `errors` says what.
bool validate_command(const std::vector<std::string>& files, std::ostream& output, std::ostream& errors);

}  // namespace isthmus::control
