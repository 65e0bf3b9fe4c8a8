#pragma once
// A YAML document as a plain tree with lines: one document, no anchors, no aliases, no repeated keys. What remains of
// YAML cannot grow beyond its own text.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace isthmus::control {

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Key {
    std::string name;
    int line = 0;
    int column = 0;
  };

  Kind kind = Kind::kNull;
  int line = 0;                 // from 1
  int column = 0;               // from 0, in bytes
  bool flow = false;            // list, map: [between, brackets], not one item a line
  std::string text;             // scalar
  bool quoted = false;          // scalar: "1420" is text, 1420 is a number
  std::vector<Key> keys;        // map: the name of each item
  std::vector<YamlNode> items;  // list, map
};

struct YamlError {
  int line = 0;
  std::string message;
  std::string advice;
};

// The first error ends it: what follows a syntax error cannot be trusted.
std::variant<YamlNode, YamlError> parse_yaml(std::string_view text);

}  // namespace isthmus::control
