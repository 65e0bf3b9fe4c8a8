#include "control/yaml_edit.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace isthmus::control {
namespace {

using Kind = YamlNode::Kind;

// Bytes of the text that give way to others.
struct Replacement {
  std::size_t at = 0;
  std::size_t length = 0;
  std::string text;
};
using Found = std::variant<Replacement, YamlError>;

const YamlNode* item_named(const YamlNode& map, std::string_view name) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (map.keys[i].name == name) return &map.items[i];
  }
  return nullptr;
}

// One step down: "peers" or "[1]".
const YamlNode* step(const YamlNode& node, std::string_view name) {
  if (!name.starts_with('[')) return node.kind == Kind::kMap ? item_named(node, name) : nullptr;
  std::size_t index = 0;
  std::from_chars(name.data() + 1, name.data() + name.size() - 1, index);
  return node.kind == Kind::kList && index < node.items.size() ? &node.items[index] : nullptr;
}

const YamlNode* walk(const YamlNode& root, std::string_view path) {
  const YamlNode* node = &root;
  while (node != nullptr && !path.empty()) {
    if (path.front() == '.') path.remove_prefix(1);
    const std::size_t end = std::min(path.find_first_of(".[", 1), path.size());
    node = step(*node, path.substr(0, end));
    path.remove_prefix(end);
  }
  return node;
}

class Editor {
 public:
  explicit Editor(std::string_view text) : text_(text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') lines_.push_back(i + 1);
    }
  }

  Found set(const YamlNode& root, const YamlChange& change) const {
    const std::size_t dot = change.path.rfind('.');
    const std::string_view path = change.path;
    const YamlNode* map = dot == std::string::npos ? &root : walk(root, path.substr(0, dot));
    if (map == nullptr || map->kind != Kind::kMap || map->keys.empty()) {
      return YamlError{map == nullptr ? 1 : map->line, "has no fields at " + change.path, "write the value by hand"};
    }
    const std::string_view name = path.substr(dot == std::string::npos ? 0 : dot + 1);
    for (std::size_t i = 0; i < map->keys.size(); ++i) {
      if (map->keys[i].name == name) return set_item(map->keys[i], map->items[i], change.value);
    }
    return append(*map, std::string(name) + ": " + change.value);
  }

 private:
  static YamlError refuse(int line) {
    return {line, "is written in a way that cannot be changed in place", "write the value by hand"};
  }

  std::size_t offset(int line, int column) const {
    return std::min(lines_[static_cast<std::size_t>(line - 1)] + static_cast<std::size_t>(column), text_.size());
  }

  // The scalar's own characters, without quotes, if they stand in the text as they were read.
  std::optional<Replacement> place_of(const YamlNode& scalar) const {
    std::size_t at = offset(scalar.line, scalar.column);
    if (scalar.quoted) ++at;
    if (scalar.kind != Kind::kScalar || text_.substr(std::min(at, text_.size()), scalar.text.size()) != scalar.text) {
      return std::nullopt;
    }
    return Replacement{at, scalar.text.size(), {}};
  }

  Found set_item(const YamlNode::Key& key, const YamlNode& item, const std::string& value) const {
    if (item.kind == Kind::kNull) return set_null(key, value);
    std::optional<Replacement> found = place_of(item);
    if (!found) return refuse(item.line);
    found->text = value;
    return *found;
  }

  // "seenAs:" or "seenAs: ~"
  Found set_null(const YamlNode::Key& key, const std::string& value) const {
    const std::size_t end = offset(key.line, key.column) + key.name.size();
    const std::size_t colon = text_.find(':', end);
    if (colon == std::string_view::npos || colon > end + 2) return refuse(key.line);
    const std::size_t word = text_.find_first_not_of(' ', colon + 1);
    for (const std::string_view null : {"~", "null", "Null", "NULL"}) {
      if (word != std::string_view::npos && text_.substr(word).starts_with(null)) {
        return Replacement{word, null.size(), value};
      }
    }
    return Replacement{colon + 1, 0, " " + value};
  }

  Found append(const YamlNode& map, const std::string& field) const {
    const YamlNode& last = map.items.back();
    const std::optional<Replacement> place = place_of(last);
    if (!place) return refuse(last.line);
    if (map.flow) return Replacement{place->at + place->length + (last.quoted ? 1 : 0), 0, ", " + field};
    const std::string indent(static_cast<std::size_t>(map.keys.back().column), ' ');
    const std::size_t end = std::min(text_.find('\n', place->at), text_.size());
    const bool carriage_return = end > 0 && text_[end - 1] == '\r';
    return Replacement{carriage_return ? end - 1 : end, 0, (carriage_return ? "\r\n" : "\n") + indent + field};
  }

  std::string_view text_;
  std::vector<std::size_t> lines_{0};  // where each begins
};

}  // namespace

std::variant<std::string, YamlError> edit_yaml(std::string_view text, const std::vector<YamlChange>& changes) {
  const std::variant<YamlNode, YamlError> tree = parse_yaml(text);
  if (const YamlError* error = std::get_if<YamlError>(&tree)) return *error;
  const Editor editor(text);
  std::vector<Replacement> replacements;
  for (const YamlChange& change : changes) {
    Found found = editor.set(std::get<YamlNode>(tree), change);
    if (const YamlError* error = std::get_if<YamlError>(&found)) return *error;
    replacements.push_back(std::move(std::get<Replacement>(found)));
  }
  // From the end on, so that places before it stay where they are.
  std::ranges::stable_sort(replacements, std::ranges::greater{}, &Replacement::at);
  std::string edited(text);
  for (const Replacement& replacement : replacements) {
    edited.replace(replacement.at, replacement.length, replacement.text);
  }
  return edited;
}

}  // namespace isthmus::control
