// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/typed_value.h"

#include "qomio/qapi/json.h"

#include <gtest/gtest.h>

namespace qomio::qomctl {
namespace typed_value_test {

TEST(TypedValueTest, integers_are_decimal_or_hexadecimal_with_an_optional_sign) {
  EXPECT_EQ(typed_value("int", "32768").dump(), "32768");
  EXPECT_EQ(typed_value("uint8", "0x1F").dump(), "31");
  EXPECT_EQ(typed_value("int", "-5").dump(), "-5");
  EXPECT_EQ(typed_value("int", "+5").dump(), "5");
  EXPECT_EQ(typed_value("int", "010").dump(), "8");  // octal, as the server reads text
}

TEST(TypedValueTest, the_ends_of_the_64_bit_ranges_are_exact) {
  EXPECT_EQ(typed_value("int", "-9223372036854775808").dump(), "-9223372036854775808");
  EXPECT_EQ(typed_value("uint64", "18446744073709551615").dump(), "18446744073709551615");
}

TEST(TypedValueTest, what_does_not_fit_goes_as_a_string_for_the_server_to_refuse) {
  for (const char* text :
       {"18446744073709551616", "-9223372036854775809", "1e3", "1.5", "5 ", "", "x", "0x", "-"}) {
    EXPECT_EQ(typed_value("int", text), Json(text)) << text;
  }
  EXPECT_EQ(typed_value("bool", "maybe"), Json("maybe"));
}

TEST(TypedValueTest, sizes_take_a_suffix_also_where_the_server_calls_them_integers) {
  EXPECT_EQ(typed_value("size", "4k").dump(), "4096");
  EXPECT_EQ(typed_value("size", "2G").dump(), "2147483648");
  EXPECT_EQ(typed_value("size", "18014398509481984k"), Json("18014398509481984k"));
  EXPECT_EQ(typed_value("int", "4k").dump(), "4096");
}

TEST(TypedValueTest, booleans_are_words) {
  EXPECT_EQ(typed_value("bool", "on"), Json(true));
  EXPECT_EQ(typed_value("bool", "false"), Json(false));
}

TEST(TypedValueTest, strings_links_and_enums_stay_as_they_were_typed) {
  EXPECT_EQ(typed_value("string", "true"), Json("true"));
  EXPECT_EQ(typed_value("string", "[1]"), Json("[1]"));
  EXPECT_EQ(typed_value("link<iothread>", "/objects/io0"), Json("/objects/io0"));
  EXPECT_EQ(typed_value("PollPolicy", "classic"), Json("classic"));
}

TEST(TypedValueTest, lists_have_commas_between_their_values) {
  EXPECT_EQ(typed_value("[uint16]", "0,2").dump(), "[0,2]");
  EXPECT_EQ(typed_value("uint16List", "3").dump(), "[3]");
  EXPECT_EQ(typed_value("list of uint16", "3").dump(), "[3]");
  EXPECT_EQ(typed_value("[string]", "3,x").dump(), R"(["3","x"])");
  EXPECT_EQ(typed_value("[int]", "").dump(), "[]");
  EXPECT_EQ(typed_value("[int]", "0-2,5").dump(), "[0,1,2,5]");
  EXPECT_EQ(typed_value("[size]", "1K,2").dump(), "[1024,2]");
}

TEST(TypedValueTest, lists_and_structures_can_be_typed_as_json) {
  EXPECT_EQ(typed_value("Thing", R"({"a":1})").dump(), R"({"a":1})");
  EXPECT_EQ(typed_value("uint16List", "[1,2]").dump(), "[1,2]");
  EXPECT_EQ(typed_value("uint16List", "[1,"), Json("[1,"));
  EXPECT_EQ(typed_value("int", "[0]").dump(), "[0]");
}

TEST(TypedValueTest, a_list_that_has_the_name_of_its_elements_type_is_told_by_its_commas) {
  EXPECT_EQ(typed_value("int", "0,1").dump(), "[0,1]");
  EXPECT_EQ(typed_value("uint16", "0-2").dump(), "[0,1,2]");
  EXPECT_EQ(typed_value("int", "0").dump(), "0");
}

TEST(TypedValueTest, a_value_of_any_type_is_json_when_it_can_be) {
  EXPECT_EQ(value_of_any_type("5").dump(), "5");
  EXPECT_EQ(value_of_any_type("true"), Json(true));
  EXPECT_EQ(value_of_any_type("io0"), Json("io0"));
}

}  // namespace typed_value_test
}  // namespace qomio::qomctl
