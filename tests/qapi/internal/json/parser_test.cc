// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/parser.h"

#include "qomio/qapi/json.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace qomio {
namespace parser_test {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using Texts = std::vector<std::string>;

std::string text_of(const Result<Json>& result) {
  return result ? json_text(*result) : result.error().message();
}

// Returns the values and errors of a stream that arrives in pieces of `piece_bytes` and has not ended.
Texts parse_pieces(std::string_view input, std::size_t piece_bytes) {
  JsonParser parser;
  Texts texts;
  while (!input.empty()) {
    std::string_view piece = input.substr(0, piece_bytes);
    input.remove_prefix(piece.size());
    while (auto result = parser.next(piece)) texts.push_back(text_of(*result));
    EXPECT_THAT(piece, IsEmpty());
  }
  return texts;
}

// The same for the whole input. Requires the same result for pieces of 1 and of 3 bytes.
Texts parse(std::string_view input) {
  Texts texts = parse_pieces(input, input.size());
  EXPECT_EQ(parse_pieces(input, 1), texts) << input;
  EXPECT_EQ(parse_pieces(input, 3), texts) << input;
  return texts;
}

struct Row {
  std::string_view input;
  Texts replies;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) EXPECT_EQ(parse(row.input), row.replies) << row.input;
}

std::string bytes(const std::string& text) { return text; }

TEST(JsonParser, values_of_each_type_are_read) {
  check({{"{}", {"{}"}},
         {"[]", {"[]"}},
         {"[1, -2, 0, -0]", {"[1, -2, 0, 0]"}},
         {"[true,false,null]", {"[true, false, null]"}},
         {R"({"execute":"x","id":{"a":{"b":[true,2.5]}}})",
          {R"({"execute": "x", "id": {"a": {"b": [true, 2.5]}}})"}},
         {"\t{\"a\"\r:\n1 }\n", {R"({"a": 1})"}}});
}

TEST(JsonParser, members_keep_the_order_they_were_sent_in) {
  check({{R"({"z":1,"a":2,"m":3})", {R"({"z": 1, "a": 2, "m": 3})"}}});
}

TEST(JsonParser, int64_uint64_and_double_stay_apart) {
  const auto type = [](std::string_view text) { return parse_json(text).value().type(); };
  EXPECT_EQ(type("9223372036854775807"), Json::value_t::number_integer);
  EXPECT_EQ(type("-9223372036854775808"), Json::value_t::number_integer);
  EXPECT_EQ(type("9223372036854775808"), Json::value_t::number_unsigned);
  EXPECT_EQ(type("18446744073709551615"), Json::value_t::number_unsigned);
  EXPECT_EQ(type("18446744073709551616"), Json::value_t::number_float);
  EXPECT_EQ(type("-9223372036854775809"), Json::value_t::number_float);
  EXPECT_EQ(type("1.0"), Json::value_t::number_float);
  EXPECT_EQ(type("1e3"), Json::value_t::number_float);
}

TEST(JsonParser, numbers_read_back_as_qemu_writes_them) {
  check({{"[1.0,1e3,1e-7,-0.0,0.1,1E+2]", {"[1, 1000, 1e-07, -0, 0.1, 100]"}},
         {"[18446744073709551615,18446744073709551616,-9223372036854775809]",
          {"[18446744073709551615, 1.8446744073709552e+19, -9.223372036854776e+18]"}},
         {"[1e-400,1e308]", {"[0, 1e+308]"}}});
}

TEST(JsonParser, a_number_too_large_for_a_double_is_refused) {
  check({{"[1e400]", {"JSON parse error, number 1e400 is too large"}},
         {"{'a':-1.5e999}", {"JSON parse error, number -1.5e999 is too large"}},
         {std::string(400, '9') + "\n",
          {"JSON parse error, number " + std::string(40, '9') + "... is too large"}}});
}

TEST(JsonParser, leaves_large_numbers_to_readers_that_know_what_they_are_for) {
  JsonParser parser(LargeNumbers::infinite);
  std::string_view input = "[1e400,-1e400]";
  const auto value = parser.next(input);
  ASSERT_TRUE(value && *value);
  EXPECT_EQ(**value, Json({HUGE_VAL, -HUGE_VAL}));
}

TEST(JsonParser, single_quotes_are_as_good_as_double_ones) {
  check({{"{'a':'x'}", {R"({"a": "x"})"}},
         {R"({'a':"x",'b':'a"b',"c":"a'b"})", {R"({"a": "x", "b": "a\"b", "c": "a'b"})"}},
         {R"(['a\'b',"a\'b"])", {R"(["a'b", "a'b"])"}}});
}

TEST(JsonParser, escapes_are_replaced) {
  check({{R"(["\"\'\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude00"])",
          {R"(["\"'\\/\b\f\n\r\t\u00E9\u20AC\uD83D\uDE00"])"}},
         {R"(["%d%s%p"])", {R"(["%d%s%p"])"}}});
}

TEST(JsonParser, bad_escapes_are_errors_of_the_whole_value) {
  const Texts invalid = {"JSON parse error, invalid escape sequence in string"};
  check({{R"({"id":"\q"})", invalid}, {R"({"id":"\x41"})", invalid}, {R"({"id":"\0"})", invalid}});
  for (const char* code : {"ud800", "udc00", "uffff", "uFFFF", "u12g4", "ufdd0"}) {
    EXPECT_EQ(parse(fmt::format(R"(["\{}"])", code)),
              Texts{fmt::format("JSON parse error, \\{} is not a valid Unicode character", code)});
  }
  check({{R"("\u12")", {R"(JSON parse error, \u12" is not a valid Unicode character)"}},
         {R"("\u")", {R"(JSON parse error, \u" is not a valid Unicode character)"}},
         {R"('\u00"')", {R"(JSON parse error, \u00"' is not a valid Unicode character)"}},
         {R"("\udc00\ud800")", {R"(JSON parse error, \udc00 is not a valid Unicode character)"}},
         {R"("\ud83d\u0041")", {R"(JSON parse error, \ud83d is not a valid Unicode character)"}},
         {R"("\ud83d\n")", {R"(JSON parse error, \ud83d is not a valid Unicode character)"}},
         {R"("\u-123")", {R"(JSON parse error, \u-123 is not a valid Unicode character)"}}});
}

TEST(JsonParser, bad_utf8_in_a_string_is_one_error) {
  for (const char* text :
       {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xef\xbf\xbe",
        "\xf0\x9f\xbf\xbe", "\xef\xb7\x90", "\xf8\x88\x80\x80\x80", "\xef\xbf"}) {
    EXPECT_EQ(parse(bytes("{\"id\":\"") + text + "\"}"),
              Texts{"JSON parse error, invalid UTF-8 sequence in string"});
  }
  check({{"[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"]", {R"(["\u00E9\u20AC\uD83D\uDE00\u007F"])"}}});
}

TEST(JsonParser, nul_may_be_written_as_an_escape_and_as_two_bytes) {
  check({{"[\"\xc0\x80\",\"\\u0000\"]", {R"(["\u0000", "\u0000"])"}}});
  EXPECT_EQ(parse_json("'\\u0000'").value().get<std::string>(), std::string(1, '\0'));
}

TEST(JsonParser, grammar_errors_are_named) {
  const Texts value = {"JSON parse error, expecting value"};
  const Texts key = {"JSON parse error, key is not a string in object"};
  const Texts colon = {"JSON parse error, missing : in object pair"};
  const Texts dict = {"JSON parse error, expected separator in dict"};
  const Texts list = {"JSON parse error, expected separator in list"};
  check({{R"({"a":1,})", value},
         {"[1,]", value},
         {"{]", value},
         {R"({"a":})", value},
         {"{,}", value},
         {"[,1]", value},
         {"[:]", value},
         {R"({"a":1,,"b":2})", value},
         {"}", value},
         {"]", value},
         {",", value},
         {":", value},
         {"{1:2}", key},
         {"{null:1}", key},
         {"{[]:1}", key},
         {"{{}:1}", key},
         {"{{}}", key},
         {"{[1,{}]:1}", key},
         {R"({"a":1, 2})", key},
         {R"({"a" "b"})", colon},
         {R"({"a",1})", colon},
         {R"({"a"})", colon},
         {R"({"a" "\q"})", colon},
         {R"({"a":1 "b":2})", dict},
         {R"({"a":1:2})", dict},
         {"[1 2]", list},
         {"{[1 2]:1}", list},
         {"[1:2]", list},
         {R"({"a":[1 2], "a":3})", list}});
}

TEST(JsonParser, a_doubled_key_is_an_error_at_any_depth) {
  const Texts doubled = {"JSON parse error, duplicate key"};
  check({{R"({"a":1,"a":2})", doubled},
         {R"({"id":{"b":[{"a":1,'a':2}]}})", doubled},
         {R"({"a":1,"\u0061":2})", doubled},
         {R"({"a":1,"a":1 x})", doubled},
         {R"({"a":1,"a":x})", {"JSON parse error, invalid keyword 'x'"}},
         {R"({"a":{"a":1},"b":{"a":1}})", {R"({"a": {"a": 1}, "b": {"a": 1}})"}}});
}

TEST(JsonParser, doubled_keys_of_large_objects_are_found) {
  std::string members;
  for (int i = 0; i < 1000; ++i) members += fmt::format("\"k{}\":{},", i, i);
  for (int i : {0, 15, 16, 17, 500, 999}) {
    EXPECT_EQ(parse_pieces(fmt::format("{{{}\"k{}\":1}}", members, i), 1 << 16),
              Texts{"JSON parse error, duplicate key"});
  }
  EXPECT_EQ(parse_json(fmt::format("{{{}\"k1000\":1}}", members)).value().size(), 1001U);
}

TEST(JsonParser, a_word_is_true_false_null_or_an_error) {
  check({{"nonsense\n", {"JSON parse error, invalid keyword 'nonsense'"}},
         {R"({"id":nul})", {"JSON parse error, invalid keyword 'nul'"}},
         {R"({"id":truex})", {"JSON parse error, invalid keyword 'truex'"}},
         {"{execute:1}", {"JSON parse error, invalid keyword 'execute'"}},
         {"[x}", {"JSON parse error, invalid keyword 'x'"}},
         {"a1 ", {"JSON parse error, invalid keyword 'a'", "1"}}});
}

TEST(JsonParser, bytes_that_begin_nothing_are_one_error_each_line) {
  check({{"True\n", {"JSON parse error, stray 'T'"}},
         {"NULL\n", {"JSON parse error, stray 'N'"}},
         {"// comment\n", {"JSON parse error, stray '/'"}},
         {"_ \"abc\" true\n", {"JSON parse error, stray '_'"}},
         {"%s\n%\n", {"JSON parse error, stray '%'", "JSON parse error, stray '%'"}},
         {"\x01\n", {"JSON parse error, stray '\x01'"}},
         {"\x1b[A\n", {"JSON parse error, stray '\x1b'", "JSON parse error, stray 'A'"}},
         {"\x0c{}", {"JSON parse error, stray '\x0c'", "{}"}},
         {std::string_view("\0{}", 3), {"JSON parse error, stray ''", "{}"}}});
}

TEST(JsonParser, after_stray_bytes_the_next_bracket_comma_colon_or_line_is_read) {
  check({{"_{}", {"JSON parse error, stray '_'", "{}"}},
         {"_}", {"JSON parse error, stray '_'", "JSON parse error, expecting value"}},
         {"_[1]", {"JSON parse error, stray '_'", "[1]"}},
         {"_,1\n", {"JSON parse error, stray '_'", "JSON parse error, expecting value", "1"}},
         {"_ 1\n2\n", {"JSON parse error, stray '_'", "2"}},
         {"_\r2\n", {"JSON parse error, stray '_'", "2"}},
         {"_\t1\n", {"JSON parse error, stray '_'"}}});
}

TEST(JsonParser, a_number_that_breaks_off_takes_the_next_byte_along) {
  check({{"01}\n", {"JSON parse error, stray '01'", "JSON parse error, expecting value"}},
         {"-\n{}", {"JSON parse error, stray '-\n'", "{}"}},
         {"-01\n", {"JSON parse error, stray '-01'"}},
         {"5.}\n", {"JSON parse error, stray '5.}'"}},
         {"5.{}\n", {"JSON parse error, stray '5.{'"}},  // QEMU: two errors; here '{' counts as opened
         {"1e}\n", {"JSON parse error, stray '1e}'"}},
         {"1e+,\n", {"JSON parse error, stray '1e+,'"}},
         {"1.\n{}", {"JSON parse error, stray '1.\n'", "{}"}},
         {"-Infinity\n", {"JSON parse error, stray '-I'"}},
         {"1a \n", {"1", "JSON parse error, invalid keyword 'a'"}},
         {"1A \n", {"1", "JSON parse error, stray 'A'"}}});
}

TEST(JsonParser, behind_a_lone_zero_comes_no_exponent) {
  check({{"[0e7]", {"JSON parse error, expected separator in list"}},
         {"[-0E7]", {"JSON parse error, stray 'E'"}},
         {"0e7 ", {"0", "JSON parse error, invalid keyword 'e'", "7"}},
         {"[0.0e7,10E7,0]", {"[0, 100000000, 0]"}}});
}

TEST(JsonParser, a_broken_value_gives_one_error_and_is_left_out_to_its_end) {
  check({{R"({"id":%d}{"a":1})", {"JSON parse error, stray '%'", R"({"a": 1})"}},
         {R"({"a":_,"b":{"c":"}]"},"d":[1]}[2])", {"JSON parse error, stray '_'", "[2]"}},
         {R"({"a":_,"b":'\'}'}[2])", {"JSON parse error, stray '_'", "[2]"}},
         {R"({"a":5.}[2])", {"JSON parse error, stray '5.}'", "[2]"}},
         {"{\"a\":\"x\ty}\"}[2]", {"JSON parse error, stray '\"x\t'", "[2]"}},
         {"{\"a\":_\n{}", {"JSON parse error, stray '_'", "{}"}},
         {"{\"a\":_,\"b\n{}", {"JSON parse error, stray '_'", "{}"}},
         {"[[[_]]]}[2]", {"JSON parse error, stray '_'", "JSON parse error, expecting value", "[2]"}}});
}

TEST(JsonParser, a_line_end_in_a_string_ends_it) {
  check({{"{\"execute\":\"query-io\nthreads\"}\n{}",
          {"JSON parse error, stray '\"query-io\n'", "JSON parse error, expecting value", "{}"}},
         {"{\"execute\":\"query-iothreads\n{}", {"JSON parse error, stray '\"query-iothreads\n'", "{}"}},
         {"\"a\\\n{}", {"JSON parse error, stray '\"a\\\n'", "{}"}}});
}

TEST(JsonParser, a_control_character_in_a_string_of_its_own_ends_it) {
  check({{"\"a\x01 b\" c\n{}", {"JSON parse error, stray '\"a\x01'", "{}"}},
         {"\"a\x01{}", {"JSON parse error, stray '\"a\x01'", "{}"}},
         {std::string_view("'[\0{}", 5), {"JSON parse error, stray ''['", "{}"}}});
}

TEST(JsonParser, byte_fe_or_ff_starts_anew) {
  for (const std::string restart : {"\xfe", "\xff"}) {
    const std::string stray = "JSON parse error, stray '" + restart + "'";
    check({{restart + "{}", {stray, "{}"}},
           {restart + " 1\n2\n", {stray, "2"}},
           {"{\"a\":[" + restart + "{}", {stray, "{}"}},
           {"{\"a\":_,{[" + restart + "{}", {"JSON parse error, stray '_'", stray, "{}"}},
           {"{\"a\":\"b" + restart + "{}", {"JSON parse error, stray '\"b" + restart + "'", "{}"}},
           {"_" + restart + "{}", {"JSON parse error, stray '_'", stray, "{}"}}});
  }
}

TEST(JsonParser, other_characters_outside_of_strings_are_stray_and_shown_whole) {
  check({{"\xc3\xa9\n{}", {"JSON parse error, stray '\xc3\xa9'", "{}"}},
         {"\xe2\x82\xac\xe2\x82\xac{}", {"JSON parse error, stray '\xe2\x82\xac'", "{}"}},
         {"[1,\xf0\x9f\x98\x80]{}", {"JSON parse error, stray '\xf0\x9f\x98\x80'", "{}"}},
         {"-\xe2\x82\xac\n", {"JSON parse error, stray '-\xe2\x82\xac'"}},
         {"[5.\xc3\xa9]1e+\xc3\xa9\n",
          {"JSON parse error, stray '5.\xc3\xa9'", "JSON parse error, stray '1e+\xc3\xa9'"}},
         {"12\xc3\xa9\n", {"12", "JSON parse error, stray '\xc3\xa9'"}},
         {R"("\u)"
          "\xe2\x82\xac\xe2\x82\xac\"",
          {"JSON parse error, \\u\xe2\x82\xac is not a valid Unicode character"}}});
}

TEST(JsonParser, bytes_that_make_no_character_are_stray) {
  check({{"\x80\x81 {}", {"JSON parse error, stray '\x80'", "{}"}},
         {"\xe2\x82 {}", {"JSON parse error, stray '\xe2\x82'", "{}"}},
         {"\xe2{}", {"JSON parse error, stray '\xe2'", "{}"}},
         {"\xf0\xe2\x82\xac{}", {"JSON parse error, stray '\xf0'", "{}"}},
         {"\xe2\xff{}", {"JSON parse error, stray '\xe2'", "JSON parse error, stray '\xff'", "{}"}},
         {"\xf8\xc0\n", {"JSON parse error, stray '\xf8'"}}});
  JsonParser parser;
  std::string_view half = "{\xe2\x82";
  EXPECT_FALSE(parser.next(half));
  EXPECT_EQ(text_of(*parser.finish()), "JSON parse error, stray '\xe2\x82'");
}

TEST(JsonParser, a_byte_order_mark_is_named) {
  check({{"\xef\xbb\xbf{}", {"JSON parse error, stray byte order mark", "{}"}},
         {"{}\xef\xbb\xbf", {"{}", "JSON parse error, stray byte order mark"}},
         {"\"\xef\xbb\xbf\"", {R"("\uFEFF")"}}});
}

TEST(JsonParser, a_value_ends_where_braces_and_brackets_each_balance) {
  const std::string value = "JSON parse error, expecting value";
  check({{R"({"a":[})", {}},
         {"{\"a\":[}\n{}", {}},
         {R"({"a":[}])", {value}},
         {R"({"a":{]}})", {value, value, value}},
         {"[1}]", {"JSON parse error, expected separator in list", value}},
         {"{\"a\":1\n{\"b\":2}\n}", {"JSON parse error, expected separator in dict"}},
         {"{]\n{}\n}\n", {value, "{}", value}}});
}

TEST(JsonParser, values_on_one_line_are_read_one_by_one) {
  check({{"{}{}", {"{}", "{}"}},
         {"[1] [2]", {"[1]", "[2]"}},
         {"x {}", {"JSON parse error, invalid keyword 'x'", "{}"}},
         {"{} x\n", {"{}", "JSON parse error, invalid keyword 'x'"}},
         {"{};\n", {"{}", "JSON parse error, stray ';'"}},
         {"1,2\n", {"1", "JSON parse error, expecting value", "2"}},
         {"1\"a\"true\"b\"", {"1", "\"a\"", "true", "\"b\""}}});
}

TEST(JsonParser, a_bare_number_or_word_waits_for_the_byte_behind_it) {
  check({{"12", {}},
         {"12\n", {"12"}},
         {"true", {}},
         {"true ", {"true"}},
         {"\"a\"", {"\"a\""}},
         {"{}", {"{}"}}});
}

}  // namespace parser_test
}  // namespace qomio
