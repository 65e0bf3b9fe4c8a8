#pragma once
// isthmusctl suggest: free views for the documents in files, printed and, on request, written into them.

#include <ostream>
#include <string>
#include <vector>

namespace isthmus::control {

struct SuggestOptions {
  std::vector<std::string> files;
  std::vector<std::string> pools;  // none: the private ranges
  bool write = false;
};

// False: something is wrong, `errors` says what, and no file was changed.
bool suggest_command(const SuggestOptions& options, std::ostream& output, std::ostream& errors);

}  // namespace isthmus::control
