// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/table.h"

#include <algorithm>

namespace qomio::qomctl {

std::size_t display_width(std::string_view text) {
  // Every byte but the continuation bytes (10xxxxxx) starts a code point.
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string Table::text(bool colour) const {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  auto measure = [&](std::size_t column, std::size_t width) {
    if (column >= widths.size()) widths.resize(column + 1), right.resize(column + 1);
    widths[column] = std::max(widths[column], width);
  };
  for (std::size_t i = 0; i < titles_.size(); ++i) measure(i, display_width(titles_[i]));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      measure(i, display_width(row[i].text));
      right[i] = right[i] || row[i].right;
    }
  }

  std::string result;
  auto add_line = [&](auto cell_text, std::size_t cells, auto is_right) {
    std::string line;
    for (std::size_t i = 0; i < cells; ++i) {
      const std::string cell = cell_text(i);
      const std::string padding(widths[i] - display_width(cell), ' ');
      line += i ? "  " : "";
      line += is_right(i) ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  };
  if (!titles_.empty()) {
    auto title = [&](std::size_t i) {
      std::string upper = titles_[i];
      // ASCII only: toupper() depends on the locale, for example for the Turkish i.
      for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      return upper;
    };
    // The title of a column with numbers is aligned to the right, as they are.
    const std::string line = add_line(title, titles_.size(), [&](std::size_t i) { return bool(right[i]); });
    result += colour ? "\033[1m" + line + "\033[0m\n" : line + "\n";
  }
  for (const auto& row : rows_) {
    result += add_line([&](std::size_t i) { return row[i].text; }, row.size(),
                       [&](std::size_t i) { return row[i].right; }) +
              "\n";
  }
  return result;
}

}  // namespace qomio::qomctl
