#include "control/text_table.h"

#include <algorithm>
#include <numeric>

namespace isthmus::control {

bool TextTable::is_right(std::size_t column) const {
  return std::find(right_.begin(), right_.end(), column) != right_.end();
}

std::vector<std::size_t> TextTable::widths() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  return widths;
}

void TextTable::shrink(std::size_t column, std::size_t least) {
  const std::vector<std::size_t> widths = this->widths();
  const std::size_t whole = std::accumulate(widths.begin(), widths.end(), 2 * (widths.size() - 1));
  const std::size_t others = whole - widths[column];
  const std::size_t left = others + least < kTerminalWidth ? kTerminalWidth - others : least;
  for (auto& row : rows_) {
    if (column < row.size()) row[column] = shorten(row[column], left);
  }
}

std::string TextTable::text() const {
  const std::vector<std::size_t> widths = this->widths();
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (is_right(i) ? space + row[i] : row[i] + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string shorten(std::string_view text, std::size_t width) {
  if (text.size() <= width) return std::string(text);
  return std::string(text.substr(0, width - 2)) + "..";
}

std::string wrap(std::string_view text, std::size_t indent) {
  std::string result;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (column != 0 && column + 1 + word.size() > kTerminalWidth) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column != 0) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result + "\n";
}

}  // namespace isthmus::control
