// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qomio::qomctl {

// A cell: its text, and whether it is aligned to the right, as numbers are.
struct Cell {
  std::string text;
  bool right = false;
};

// Columns of text, each as wide as its widest cell, two spaces apart, without trailing spaces. Cells and
// titles must be printable already; see printable().
class Table {
 public:
  // titles: one for each column, or none to omit the title line. They are printed in upper case, and in bold
  // if `colour` is set.
  explicit Table(std::vector<std::string> titles = {}) : titles_(std::move(titles)) {}

  void add_row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string text(bool colour) const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<Cell>> rows_;
};

// Returns how many columns a UTF-8 text takes on a terminal, counting each code point as one.
std::size_t display_width(std::string_view text);

}  // namespace qomio::qomctl
