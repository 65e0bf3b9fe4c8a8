#pragma once
// A YAML file -> DesiredState, with the line of every field, so that validate's errors lead back into the file.

#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "dataplane/config/validate.h"

namespace isthmus::control {

struct YamlSource {
  std::string file;
  std::string text;       // as it was read
  bool readable = false;  // it is YAML of which a state could be read, if perhaps with errors
  config::DesiredState state;
  config::ConfigErrors errors;       // unknown fields and wrong types; an empty path is the file as a whole
  std::map<std::string, int> lines;  // path -> line

  // The line of that path or of the nearest field around it.
  int line_of(const std::string& path) const;
};

inline constexpr std::size_t kMaxDocument = 4U << 20;  // bytes

YamlSource read_yaml_file(const std::string& file);
YamlSource read_yaml(std::string_view text, std::string file);

// The source's own errors and validate's together, by line.
std::variant<config::ValidatedConfig, config::ConfigErrors> validate(const YamlSource& source);

// "FILE:LINE: path: message; advice"
std::string to_string(const YamlSource& source, const config::ConfigError& error);

}  // namespace isthmus::control
