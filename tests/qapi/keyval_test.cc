// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/keyval.h"

#include "qomio/qapi/json.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>

namespace qomio {
namespace keyval_test {

struct Row {
  std::string text;
  std::string outcome;  // the values as JSON text, or the error
};

std::string outcome(std::string_view text, std::string_view implied_key = {},
                    KeyvalHelp help = KeyvalHelp::Taken) {
  const auto keyval = parse_keyval(text, implied_key, help);
  return keyval ? json_text(keyval->values) + (keyval->help ? " help" : "") : keyval.error().message();
}

void check(std::initializer_list<Row> rows, std::string_view implied_key = {}) {
  for (const Row& row : rows) EXPECT_EQ(outcome(row.text, implied_key), row.outcome) << row.text;
}

TEST(Keyval, values_are_strings_in_the_order_of_their_keys) {
  check({{"", "{}"},
         {"b=1,a=true,c=", R"({"b": "1", "a": "true", "c": ""})"},
         {"a=1,", R"({"a": "1"})"},
         {"a=b=c, d =", "Invalid parameter ' d '"},
         {"a= 5 ", R"({"a": " 5 "})"}});
}

TEST(Keyval, a_doubled_comma_is_one_comma_of_the_value) {
  check({{"a=1,b=2,,x,a=3", R"({"a": "3", "b": "2,x"})"},
         {"x=,,id=bar", R"({"x": ",id=bar"})"},
         {"x=1,,,y=2", R"({"x": "1,", "y": "2"})"},
         {"x=1,,", R"({"x": "1,"})"},
         {"x=,", R"({"x": ""})"}});
}

TEST(Keyval, the_last_of_equal_keys_wins) {
  check({{"id=io0,n=1,id=io1", R"({"id": "io1", "n": "1"})"}, {"a.b=1,a.b=2", R"({"a": {"b": "2"}})"}});
}

TEST(Keyval, dots_make_objects_and_lists) {
  check({{"a.b=1,a.c.d=2,e=3", R"({"a": {"b": "1", "c": {"d": "2"}}, "e": "3"})"},
         {"a.1=y,a.0=x", R"({"a": ["x", "y"]})"},
         {"rules.0.match=m,rules.1.match=n,rules.0.policy=p",
          R"({"rules": [{"match": "m", "policy": "p"}, {"match": "n"}]})"},
         {"a.0.0=1,a.0.1=2,a.1.0=3", R"({"a": [["1", "2"], ["3"]]})"},
         {"a.9=9,a.8=8,a.7=7,a.6=6,a.5=5,a.4=4,a.3=3,a.2=2,a.1=1,a.0=0,a.10=10",
          R"({"a": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]})"}});
}

TEST(Keyval, an_index_with_leading_zeros_is_the_same_index) {
  check({{"a.00=1,a.0=2", R"({"a": ["2"]})"},
         {"a.01=y,a.0=x", R"({"a": ["x", "y"]})"},
         {"a.0.x=1,a.00.y=2", R"({"a": [{"x": "1", "y": "2"}]})"},
         {"a.0=1,a.00=2,a.2=3", "Parameter 'a.1' missing"}});
}

TEST(Keyval, bad_keys_are_refused_whole) {
  for (const char* key : {"", "a..b", ".", "key.", ".key", "7up", "key[0]", "5poll", "-a", "_a", "a.-b",
                          "a/b", "a b", "0", "0.a", "a.0x1", "a.1x", "\xc3\xa9", "?"}) {
    EXPECT_EQ(outcome(fmt::format("{}=1", key)), fmt::format("Invalid parameter '{}'", key));
  }
  check({{",id=a", "Invalid parameter ''"},
         {"a=1,,=2", R"({"a": "1,=2"})"},
         {"a_b-C9=5,a.b-=6", R"({"a_b-C9": "5", "a": {"b-": "6"}})"}});
}

TEST(Keyval, a_fragment_has_at_most_127_bytes) {
  const std::string good(127, 'a');
  const std::string bad(128, 'a');
  EXPECT_EQ(outcome(good + "=1"), "{\"" + good + "\": \"1\"}");
  EXPECT_EQ(outcome(good + "." + good + "=1"), "{\"" + good + "\": {\"" + good + "\": \"1\"}}");
  EXPECT_EQ(outcome(bad + "=1"), "Parameter '" + bad + "' is too long");
  EXPECT_EQ(outcome(bad), "Parameter '" + bad + "' is too long");
  EXPECT_EQ(outcome(bad + ".x=1"), "Parameter fragment '" + bad + "' is too long");
  EXPECT_EQ(outcome("x." + bad + "=1"), "Parameter fragment '" + bad + "' is too long");
  EXPECT_EQ(outcome("x." + std::string(128, '0') + ".y=1"),
            "Parameter fragment '" + std::string(128, '0') + "' is too long");
}

TEST(Keyval, nesting_that_would_exhaust_the_stack_is_refused) {
  std::string key = "a";
  for (int i = 0; i < 60'000; ++i) key += ".a";
  EXPECT_EQ(outcome(key + "=1"), "Parameter '" + key + "' is nested too deep");
}

TEST(Keyval, a_key_needs_a_value) {
  check({{"a", "Expected '=' after parameter 'a'"},
         {"a=1,b,c=2", "Expected '=' after parameter 'b'"},
         {"helpx", "Expected '=' after parameter 'helpx'"}});
}

TEST(Keyval, one_name_is_not_used_for_two_kinds_of_value) {
  check({{"a=1,a.b=2", "Parameters 'a.*' used inconsistently"},
         {"a.b=1,a=2", "Parameters 'a.*' used inconsistently"},
         {"a=1,a.b", "Parameters 'a.*' used inconsistently"},
         {"a.0=1,a.b=2", "Parameters 'a.*' used inconsistently"},
         {"a.b=2,a.0=1", "Parameters 'a.*' used inconsistently"},
         {"a.b.c=1,a.b=2", "Parameters 'a.b.*' used inconsistently"},
         {"a.b=2,a.b.0=1,a.b.x=2", "Parameters 'a.b.*' used inconsistently"},
         {"a.0.b=1,a.0=2", "Parameters 'a.0.*' used inconsistently"},
         {"a.b.0=1,a.b.x=2", "Parameters 'a.b.*' used inconsistently"}});
}

TEST(Keyval, a_list_has_no_gaps) {
  check({{"a.0=1,a.2=2", "Parameter 'a.1' missing"},
         {"a.1=2", "Parameter 'a.0' missing"},
         {"a.0=1,a.2=2,a.5=3", "Parameter 'a.1' missing"},
         {"a.2.b.3=1", "Parameter 'a.2.b.0' missing"},
         {"a.b.2=1,a.c.1=2", "Parameter 'a.b.0' missing"},
         {"a.2147483648=1", "Parameter 'a.0' missing"},
         {"a.99999999999999999999=1,a.0=1", "Parameter 'a.1' missing"},
         {"a.1=1,a.b=2,=5", "Invalid parameter ''"}});
}

TEST(Keyval, the_implied_key_takes_the_first_value_only) {
  check({{"iothread,id=io0", R"({"qom-type": "iothread", "id": "io0"})"},
         {"iothread", R"({"qom-type": "iothread"})"},
         {"a.b,id=1", R"({"qom-type": "a.b", "id": "1"})"},
         {"[1]", R"({"qom-type": "[1]"})"},
         {"id=io0,qom-type=iothread", R"({"id": "io0", "qom-type": "iothread"})"},
         {"iothread,qom-type=x", R"({"qom-type": "x"})"},
         {"", "{}"},
         {",", "Invalid parameter ''"},
         {",,", "Invalid parameter ''"},
         {",id=a", "Invalid parameter ''"},
         {"=a,id=b", "Invalid parameter ''"},
         {"iothread,,id=io0", "Invalid parameter ''"},
         {"iothread,id=io0,=5", "Invalid parameter ''"},
         {"iothread,nopoll-max-ns", "Expected '=' after parameter 'nopoll-max-ns'"},
         {"iothread,qom-type.a=1", "Parameters 'qom-type.*' used inconsistently"},
         {R"( {"qom-type":"iothread","id":"io0"})", R"(Invalid parameter '"id":"io0"}')"}},
        "qom-type");
  const std::string long_value(128, 'a');
  EXPECT_EQ(outcome(long_value, "qom-type"), "{\"qom-type\": \"" + long_value + "\"}");
  EXPECT_EQ(outcome("x,id=1", "a.b"), R"({"a": {"b": "x"}, "id": "1"})");
}

TEST(Keyval, a_bare_help_or_question_mark_asks_for_help) {
  check({{"help", "{} help"},
         {"?", "{} help"},
         {"a=1,help,b=2", R"({"a": "1", "b": "2"} help)"},
         {"a=1,?", R"({"a": "1"} help)"},
         {"help=on", R"({"help": "on"})"},
         {"help=", R"({"help": ""})"},
         {"help,b", "Expected '=' after parameter 'b'"},
         {"help,=5", "Invalid parameter ''"},
         {"a=1,help,,b=2", "Invalid parameter ''"},
         {"?=5", "Invalid parameter '?'"}});
  check({{"help", "{} help"},
         {"iothread,help", R"({"qom-type": "iothread"} help)"},
         {"iothread,?", R"({"qom-type": "iothread"} help)"},
         {"iothread,id=io0,help", R"({"qom-type": "iothread", "id": "io0"} help)"},
         {"iothread,help=on", R"({"qom-type": "iothread", "help": "on"})"},
         {"?,x", "Expected '=' after parameter 'x'"}},
        "qom-type");
}

TEST(Keyval, help_is_an_ordinary_key_when_it_is_not_taken) {
  EXPECT_EQ(outcome("help", {}, KeyvalHelp::NotTaken), "Expected '=' after parameter 'help'");
  EXPECT_EQ(outcome("?", {}, KeyvalHelp::NotTaken), "Invalid parameter '?'");
  EXPECT_EQ(outcome("help", "qom-type", KeyvalHelp::NotTaken), R"({"qom-type": "help"})");
  EXPECT_EQ(outcome("a=1,help=x", {}, KeyvalHelp::NotTaken), R"({"a": "1", "help": "x"})");
}

}  // namespace keyval_test
}  // namespace qomio
