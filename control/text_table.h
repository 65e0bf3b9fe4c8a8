#pragma once
// Columns of text for a terminal, 100 characters wide at most if its cells are short enough.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace isthmus::control {

inline constexpr std::size_t kTerminalWidth = 100;

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head) { add(std::move(head)); }
  // A row may be shorter than the head. Columns of numbers are aligned to the right.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void align_right(std::size_t column) { right_.push_back(column); }
  // What is too wide for the terminal is taken off the cells of this column, which keeps `least` characters.
  void shrink(std::size_t column, std::size_t least);
  std::string text() const;

 private:
  std::vector<std::size_t> widths() const;
  bool is_right(std::size_t column) const;

  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> right_;
};

// At most `width` characters, the cut marked by two dots.
std::string shorten(std::string_view text, std::size_t width);
// Breaks at spaces; every line but the first begins with `indent` spaces.
std::string wrap(std::string_view text, std::size_t indent);

}  // namespace isthmus::control
