#include "control/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

namespace isthmus::control {
namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxNodes = 1'000'000;

// Thrown through the library's parser, caught below.
struct Refusal {
  YamlError error;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(begin(YamlNode::Kind::kNull, mark, anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = begin(YamlNode::Kind::kScalar, mark, anchor);
    node.text = value;
    node.quoted = tag == "!";  // the library's mark for quotes
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open_.push_back(begin(YamlNode::Kind::kList, mark, anchor));
    open_.back().flow = style == YAML::EmitterStyle::Flow;
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open_.push_back(begin(YamlNode::Kind::kMap, mark, anchor));
    open_.back().flow = style == YAML::EmitterStyle::Flow;
    names_.emplace_back();
  }
  void OnMapEnd() override {
    names_.pop_back();
    close();
  }

 private:
  static int line_of(const YAML::Mark& mark) { return mark.line + 1; }

  [[noreturn]] static void refuse(int line, std::string message, std::string advice) {
    throw Refusal{{line, std::move(message), std::move(advice)}};
  }
  [[noreturn]] static void refuse_anchor(const YAML::Mark& mark) {
    refuse(line_of(mark), "anchors and aliases (& and *) are not supported", "write the value out");
  }

  YamlNode begin(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) refuse_anchor(mark);
    if (open_.size() >= kMaxDepth) refuse(line_of(mark), "nested too deeply", "compare with control/example.yaml");
    if (++nodes_ > kMaxNodes) refuse(line_of(mark), "has too many values", "split the document");
    YamlNode node;
    node.kind = kind;
    node.line = line_of(mark);
    node.column = mark.column;
    return node;
  }

  void close() {
    YamlNode node = std::move(open_.back());
    open_.pop_back();
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    YamlNode& parent = open_.back();
    const bool is_key = parent.kind == YamlNode::Kind::kMap && parent.keys.size() == parent.items.size();
    if (!is_key) return parent.items.push_back(std::move(node));
    if (node.kind != YamlNode::Kind::kScalar) refuse(node.line, "a field's name must be a word", "write name: value");
    const auto [earlier, is_new] = names_.back().try_emplace(node.text, node.line);
    if (!is_new) {
      refuse(node.line, "field '" + node.text + "' stands twice, first on line " + std::to_string(earlier->second),
             "remove one of them");
    }
    parent.keys.push_back({std::move(node.text), node.line, node.column});
  }

  YamlNode root_;
  std::vector<YamlNode> open_;
  std::vector<std::map<std::string, int>> names_;  // of the maps in open_
  std::size_t nodes_ = 0;
};

}  // namespace

std::variant<YamlNode, YamlError> parse_yaml(std::string_view text) {
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder))
      return YamlError{1, "the document is empty", "compare with control/example.yaml"};
    TreeBuilder second;
    if (parser.HandleNextDocument(second)) {
      return YamlError{second.take().line, "a second document begins here", "keep one document in a file"};
    }
    return builder.take();
  } catch (const Refusal& refusal) {
    return refusal.error;
  } catch (const YAML::Exception& error) {
    return YamlError{error.mark.line + 1, "not YAML: " + error.msg, "check indentation, quotes and brackets here"};
  }
}

}  // namespace isthmus::control
