// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/printable.h"

#include <gtest/gtest.h>

namespace qomio::qomctl {
namespace printable_test {

TEST(PrintableTest, text_of_any_language_stays_as_it_is) {
  for (const char* text : {"", "io0", "Grüße", "Ελλάδα", "日本", "עברית", "🙂", "नमस्ते", "a b"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(PrintableTest, control_characters_never_reach_the_terminal) {
  EXPECT_EQ(printable("a\033[31m\n\r\t\x7f"), "a\\x1b[31m\\x0a\\x0d\\x09\\x7f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(printable("\u0080|\u009b31m|\u009d|\u009f|\u00a0"), "\\u0080|\\u009b31m|\\u009d|\\u009f|\u00a0");
}

TEST(PrintableTest, characters_that_turn_the_direction_of_writing_or_break_lines_are_shown_by_number) {
  EXPECT_EQ(printable("\u202a\u202b\u202c\u202d\u202e"), "\\u202a\\u202b\\u202c\\u202d\\u202e");
  EXPECT_EQ(printable("\u2066\u2067\u2068\u2069"), "\\u2066\\u2067\\u2068\\u2069");
  EXPECT_EQ(printable("\u200e\u200f\u061c\u2028\u2029\ufeff"), "\\u200e\\u200f\\u061c\\u2028\\u2029\\ufeff");
  EXPECT_EQ(printable("\U000e0041"), "\\ue0041");
}

TEST(PrintableTest, bytes_that_are_no_utf8_are_shown_by_value) {
  EXPECT_EQ(printable("\xff|\x9b|\xc3"), "\\xff|\\x9b|\\xc3");
  EXPECT_EQ(printable("\xc0\x80|\xc1\x9b|\xe0\x82\x9b"), "\\xc0\\x80|\\xc1\\x9b|\\xe0\\x82\\x9b");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
}

}  // namespace printable_test
}  // namespace qomio::qomctl
