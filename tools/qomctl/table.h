// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qomio::qomctl {

// A cell: its text, and whether it stands at the right edge of its column, as numbers do.
struct Cell {
  std::string text;
  bool right = false;
};

// Columns of text, each as wide as its widest cell, two blanks apart, without blanks at the end of a line.
// Cells and titles are printable already.
class Table {
 public:
  // Column titles; without any there is no title line. Written in upper case, and in bold when `colour` is
  // set.
  explicit Table(std::vector<std::string> titles = {}) : titles_(std::move(titles)) {}

  void add_row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string text(bool colour) const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<Cell>> rows_;
};

// Columns that the text (UTF-8) takes on a terminal, counting each code point as one.
std::size_t display_width(std::string_view text);

}  // namespace qomio::qomctl
