// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/json.h"

#include <gmock/gmock.h>

#include <limits>

namespace qomio {
namespace json_test {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(JsonText, is_one_line_with_a_blank_behind_comma_and_colon) {
  EXPECT_EQ(json_text({{"return", Json::object()}, {"id", 1}}), R"({"return": {}, "id": 1})");
  EXPECT_EQ(json_text({{"a", {1, nullptr, true}}, {"b", Json::array()}}),
            R"({"a": [1, null, true], "b": []})");
}

TEST(JsonText, is_ascii_with_upper_case_escapes) {
  EXPECT_EQ(json_text("h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), R"("h\u00E9\u20AC\uD83D\uDE00")");
  EXPECT_EQ(json_text("\x01\x1f\x7f/"), R"("\u0001\u001F\u007F/")");
  EXPECT_EQ(json_text("\"\\\b\f\n\r\t'"), R"("\"\\\b\f\n\r\t'")");
  EXPECT_EQ(json_text(std::string("a\0b", 3)), R"("a\u0000b")");
}

TEST(JsonText, replaces_bytes_that_are_no_utf8) {
  EXPECT_EQ(json_text("\x80\x81"), R"("\uFFFD\uFFFD")");
  EXPECT_EQ(json_text("\xe2\x82z"), R"("\uFFFDz")");
  EXPECT_EQ(json_text("\xe2\xe2\x82\xac"), R"("\uFFFD\u20AC")");
  EXPECT_EQ(json_text("\xed\xa0\x80\xf8\x88\x80\x80\x80\xef\xbf\xbe\xff"), R"("\uFFFD\uFFFD\uFFFD\uFFFD")");
  EXPECT_EQ(json_text("\xc0\x80\xc0\xaf"), R"("\u0000\uFFFD")");
  EXPECT_EQ(json_text("\xf0\x9f\x98"), R"("\uFFFD")");
}

TEST(JsonText, numbers_are_the_shortest_that_read_back) {
  EXPECT_EQ(json_text({1.0, 1e3, 1e-7, -0.0, 0.1}), "[1, 1000, 1e-07, -0, 0.1]");
  EXPECT_EQ(json_text(18446744073709551616.0), "1.8446744073709552e+19");
  EXPECT_EQ(json_text({INT64_MIN, INT64_MAX, UINT64_MAX}),
            "[-9223372036854775808, 9223372036854775807, 18446744073709551615]");
}

TEST(JsonText, stands_as_null_for_what_json_cannot_hold) {
  EXPECT_EQ(json_text({kNan, kInfinity, -kInfinity, Json::binary({1, 2}), 1}), "[null, null, null, null, 1]");
  EXPECT_EQ(json_pretty_text(kInfinity), "null");
  std::string text;
  EXPECT_TRUE(json_append(text, {1, "\xff", nullptr}));
  EXPECT_FALSE(json_append(text, {1, {{"a", kNan}}}));
}

TEST(JsonText, of_a_value_deeper_than_readers_take_ends_in_null) {
  Json value = 1;
  for (int depth = 0; depth < kMaxJsonDepth; ++depth) value = Json::array({std::move(value)});
  EXPECT_TRUE(check_json(value, "x"));
  EXPECT_TRUE(parse_json(json_text(value)));
  for (int depth = 0; depth < 100'000; ++depth) value = Json::array({std::move(value)});
  EXPECT_EQ(check_json(value, "x").error().message(), "Value 'x' is nested too deep, which JSON can't hold");
  EXPECT_TRUE(parse_json(json_text(value)));
}

TEST(CheckJson, names_the_first_value_that_json_cannot_hold) {
  const auto problem = [](const Json& value, std::string_view name) {
    const auto checked = check_json(value, name);
    return checked ? "" : checked.error().message();
  };
  EXPECT_EQ(problem({{"a", {1, 2.5, "\xff", nullptr}}}, "x"), "");
  EXPECT_EQ(problem(kNan, "ratio"), "Value 'ratio' is nan, which JSON can't hold");
  EXPECT_EQ(problem({1, {{"b", -kInfinity}}}, "x"), "Value 'x[1].b' is -inf, which JSON can't hold");
  EXPECT_EQ(problem({{"b", kInfinity}, {"c", kNan}}, ""), "Value 'b' is inf, which JSON can't hold");
  EXPECT_EQ(problem(Json::binary({1}), "x"), "Value 'x' is binary, which JSON can't hold");
}

TEST(JsonText, pretty_text_has_one_value_a_line) {
  EXPECT_EQ(json_pretty_text({{"a", {1, 2}}, {"b", Json::object()}}),
            "{\n    \"a\": [\n        1,\n        2\n    ],\n    \"b\": {}\n}");
}

struct Row {
  std::string_view text;
  std::string_view message;
};

TEST(ParseJson, takes_one_value_with_blanks_around_it) {
  EXPECT_EQ(json_text(parse_json(" {\"a\":1} \n").value()), R"({"a": 1})");
  EXPECT_EQ(json_text(parse_json("12").value()), "12");
  EXPECT_EQ(json_text(parse_json("true").value()), "true");
}

TEST(ParseJson, refuses_what_is_broken_or_more_than_one_value) {
  const Row rows[] = {
      {R"({"qom-type":"iothread")", "JSON parse error, premature EOI"},
      {"{", "JSON parse error, premature EOI"},
      {R"({"a":1)", "JSON parse error, premature EOI"},
      {R"({"a":1,)", "JSON parse error, premature EOI"},
      {R"({"id":})", "JSON parse error, expecting value"},
      {"{]", "JSON parse error, expecting value"},
      {R"({"a)", "JSON parse error, stray '\"a'"},
      {R"({"a":5.)", "JSON parse error, stray '5.'"},
      {R"({"a":%})", "JSON parse error, stray '%'"},
      {R"({"a":tru)", "JSON parse error, invalid keyword 'tru'"},
      {R"({"a":1e999})", "JSON parse error, number 1e999 is too large"},
      {R"({"a":[-1e999]})", "JSON parse error, number -1e999 is too large"},
      {"\xef\xbb\xbf{}", "JSON parse error, stray byte order mark"},
      {"{1", "JSON parse error, key is not a string in object"},
      {R"({"a":1,"a":2})", "JSON parse error, duplicate key"},
      {"{\"a\":x} {}", "JSON parse error, invalid keyword 'x'"},
      {"{} x", "Expecting at most one JSON value"},
      {"{}{}", "Expecting at most one JSON value"},
      {"{}}", "Expecting at most one JSON value"},
      {"{} %", "Expecting at most one JSON value"},
      {"{} \"x", "Expecting at most one JSON value"},
      {"{} 1", "Expecting at most one JSON value"},
      {"{} {", "Expecting at most one JSON value"},
      {"  ", "Expecting a JSON value"},
      {"", "Expecting a JSON value"},
  };
  for (const Row& row : rows) {
    const auto value = parse_json(row.text);
    ASSERT_FALSE(value) << row.text;
    EXPECT_EQ(value.error().message(), row.message) << row.text;
    EXPECT_EQ(value.error().error_class(), ErrorClass::GenericError);
  }
}

}  // namespace json_test
}  // namespace qomio
