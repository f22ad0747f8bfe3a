// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/table.h"

#include <gtest/gtest.h>

namespace qomio::qomctl {
namespace table_test {

TEST(TableTest, columns_are_as_wide_as_their_widest_cell) {
  Table table({"id", "n"});
  table.add_row({{"a-long-name"}, {"1", true}});
  table.add_row({{"b"}, {"234", true}});
  EXPECT_EQ(table.text(false),
            "ID             N\n"
            "a-long-name    1\n"
            "b            234\n");
}

TEST(TableTest, no_line_ends_in_blanks) {
  Table table;
  table.add_row({{"x"}, {"long"}});
  table.add_row({{"y"}, {""}});
  EXPECT_EQ(table.text(false), "x  long\ny\n");
}

TEST(TableTest, letters_of_several_bytes_take_one_column) {
  Table table;
  table.add_row({{"é"}, {"1"}});
  table.add_row({{"ab"}, {"2"}});
  EXPECT_EQ(table.text(false), "é   1\nab  2\n");
}

TEST(TableTest, only_titles_are_coloured_and_only_on_request) {
  Table table({"id"});
  table.add_row({{"a"}});
  EXPECT_EQ(table.text(true), "\033[1mID\033[0m\na\n");
}

}  // namespace table_test
}  // namespace qomio::qomctl
