// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/text.h"

#include <gtest/gtest.h>

namespace qomio {
namespace utf8_test {

TEST(Utf8Prefix, ends_before_a_character_that_is_too_long) {
  const std::string_view text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
  const std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t bytes = 0; bytes < std::size(ends); ++bytes) {
    EXPECT_EQ(utf8_prefix(text, bytes), text.substr(0, ends[bytes])) << bytes;
  }
}

TEST(Utf8Prefix, of_what_is_no_utf8_is_as_long_as_it_may_be) {
  EXPECT_EQ(utf8_prefix(std::string(20, '\x80'), 10).size(), 10U);
  EXPECT_EQ(utf8_prefix("\xff\xff\xff", 2).size(), 2U);
}

}  // namespace utf8_test
}  // namespace qomio
