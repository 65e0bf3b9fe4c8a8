#pragma once
// Sets single values in a YAML text and leaves every other byte as its author wrote it: comments, layout, quotes.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/yaml_tree.h"

namespace isthmus::control {

struct YamlChange {
  std::string path;   // "peers[1].remote[0].seenAs": a field of a map that stands in the text; the field itself may not
  std::string value;  // a scalar that needs no quotes
};

// All of the changes or none. The error says at which line a change found something that it cannot set a value in.
std::variant<std::string, YamlError> edit_yaml(std::string_view text, const std::vector<YamlChange>& changes);

}  // namespace isthmus::control
