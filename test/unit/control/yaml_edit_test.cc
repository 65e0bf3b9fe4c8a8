#include "control/yaml_edit.h"

#include <gtest/gtest.h>

namespace isthmus::control {
namespace {

struct Edit {
  const char* before;
  const char* path;
  const char* after;
};

const Edit kEdits[] = {
    // A value that is there.
    {"a: {b: old,  c: 1} # why\n", "a.b", "a: {b: new,  c: 1} # why\n"},
    {"a: {b: \"old\", c: 1}\n", "a.b", "a: {b: \"new\", c: 1}\n"},
    {"a:\n  - b: 'old'   # why\n    c: 1\n", "a[0].b", "a:\n  - b: 'new'   # why\n    c: 1\n"},
    {"b: old", "b", "b: new"},
    {"b: \"\"\n", "b", "b: \"new\"\n"},
    {"a: [{b: x}, {b: old}]\n", "a[1].b", "a: [{b: x}, {b: new}]\n"},
    // A field without a value.
    {"b:   # why\nc: 1\n", "b", "b: new   # why\nc: 1\n"},
    {"b: ~ # why\n", "b", "b: new # why\n"},
    {"a: {b: , c: 1}\n", "a.b", "a: {b: new , c: 1}\n"},
    {"a: {\"b\": null}\n", "a.b", "a: {\"b\": new}\n"},
    // No field.
    {"a: [{c: 10.0.0.0/8}] # why\n", "a[0].b", "a: [{c: 10.0.0.0/8, b: new}] # why\n"},
    {"a: [{c: \"x\" }]\n", "a[0].b", "a: [{c: \"x\", b: new }]\n"},
    {"a:\n  - c: x  # why\n  - d: y\n", "a[0].b", "a:\n  - c: x  # why\n    b: new\n  - d: y\n"},
    {"a:\n  - c: x", "a[0].b", "a:\n  - c: x\n    b: new"},
    {"a:\r\n  - c: x\r\n  - d: y\r\n", "a[0].b", "a:\r\n  - c: x\r\n    b: new\r\n  - d: y\r\n"},
};

TEST(YamlEdit, SetsOneValueAndLeavesEveryOtherByte) {
  for (const Edit& edit : kEdits) {
    const auto edited = edit_yaml(edit.before, {{edit.path, "new"}});
    const std::string* text = std::get_if<std::string>(&edited);
    ASSERT_NE(text, nullptr) << edit.before;
    EXPECT_EQ(*text, edit.after) << edit.before;
  }
}

TEST(YamlEdit, SetsManyAtOnce) {
  const auto edited = edit_yaml("a: [{b: x, c: y}]\nd: z\n", {{"d", "longer"}, {"a[0].b", "also"}, {"a[0].c", ""}});
  EXPECT_EQ(std::get<std::string>(edited), "a: [{b: also, c: }]\nd: longer\n");
}

TEST(YamlEdit, RefusesWhatItCannotSetInPlace) {
  EXPECT_EQ(std::get<YamlError>(edit_yaml("b: \"o\\x6cd\"\n", {{"b", "new"}})).line, 1);
  EXPECT_EQ(std::get<YamlError>(edit_yaml("c: 1\nb: [1]\n", {{"b", "new"}})).line, 2);
  EXPECT_EQ(std::get<YamlError>(edit_yaml("c: 1\nb: >\n  old\n", {{"b", "new"}})).line, 2);
  EXPECT_EQ(std::get<YamlError>(edit_yaml("c: 1\n", {{"a[0].b", "new"}})).line, 1);
  EXPECT_EQ(std::get<YamlError>(edit_yaml("c: [\n", {{"c", "new"}})).line, 2);
}

}  // namespace
}  // namespace isthmus::control
