// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <malloc.h>

#include <string>
#include <vector>

#include "qomio/qapi/internal/json/parser.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace limits_test {

using testing::ElementsAre;
using testing::IsEmpty;

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// Returns the messages of errors, and "value" for each value.
std::vector<std::string> outcomes(JsonParser& parser, std::string_view input) {
  std::vector<std::string> all;
  while (auto result = parser.next(input)) all.push_back(*result ? "value" : result->error().message());
  return all;
}
std::vector<std::string> outcomes(std::string_view input) {
  JsonParser parser;
  return outcomes(parser, input);
}

void parser_takes(JsonParser& parser, std::string_view input) { EXPECT_FALSE(parser.next(input)); }

TEST(JsonLimits, the_1024th_level_is_allowed_and_the_1025th_is_one_error) {
  EXPECT_THAT(outcomes(repeated("[", 1024) + repeated("]", 1024)), ElementsAre("value"));
  EXPECT_THAT(outcomes(repeated("[", 1025) + "1" + repeated("]", 1025) + "{}"),
              ElementsAre("JSON nesting depth limit exceeded", "value"));
  EXPECT_THAT(outcomes(repeated("{\"a\":[", 600) + repeated("]}", 600) + "{}"),
              ElementsAre("JSON nesting depth limit exceeded", "value"));
}

TEST(JsonLimits, the_next_line_is_read_after_a_value_that_was_nested_too_deep) {
  EXPECT_THAT(outcomes(repeated("[", 5000) + "\n{}\n{}\n"),
              ElementsAre("JSON nesting depth limit exceeded", "value", "value"));
}

TEST(JsonLimits, two_mebi_tokens_are_allowed_and_one_more_is_one_error) {
  const std::string elements = repeated("1,", (1 << 20) - 2);  // an array of n elements has 2n + 1 tokens
  EXPECT_THAT(outcomes("[" + elements + "1]"), ElementsAre("value"));
  EXPECT_THAT(outcomes("[" + elements + "1 1]"), ElementsAre("JSON parse error, expected separator in list"));
  EXPECT_THAT(outcomes("[" + elements + "1,1,1]{}"), ElementsAre("JSON token count limit exceeded", "value"));
}

TEST(JsonLimits, sixty_four_mebibytes_are_allowed_and_one_more_is_one_error) {
  JsonParser parser;
  const std::string piece(1 << 20, 'x');
  EXPECT_THAT(outcomes(parser, "[\""), IsEmpty());
  for (int i = 0; i < 63; ++i) EXPECT_THAT(outcomes(parser, piece), IsEmpty());
  const std::string rest((1 << 20) - 4, 'x');
  EXPECT_THAT(outcomes(parser, rest + "\"]"), ElementsAre("value"));

  EXPECT_THAT(outcomes(parser, "[\""), IsEmpty());
  for (int i = 0; i < 63; ++i) EXPECT_THAT(outcomes(parser, piece), IsEmpty());
  EXPECT_THAT(outcomes(parser, piece), ElementsAre("JSON token size limit exceeded"));
  EXPECT_THAT(outcomes(parser, piece + "}\"]{}"), ElementsAre("value"));
}

TEST(JsonLimits, the_memory_of_a_value_that_is_too_large_is_freed_at_once) {
  JsonParser parser;
  const std::string piece(1 << 20, 'x');
  outcomes(parser, "{\"a\":\"");
  for (int i = 0; i < 65; ++i) outcomes(parser, piece);
  malloc_trim(0);
  EXPECT_LT(mallinfo2().hblkhd + mallinfo2().uordblks, 8U << 20);
}

TEST(JsonLimits, blanks_count_for_nothing) {
  JsonParser parser;
  const std::string blanks(1 << 20, ' ');
  outcomes(parser, "{");
  for (int i = 0; i < 70; ++i) EXPECT_THAT(outcomes(parser, blanks), IsEmpty());
  EXPECT_THAT(outcomes(parser, "}"), ElementsAre("value"));
}

TEST(JsonLimits, each_value_has_the_whole_allowance) {
  JsonParser parser;
  const std::string value = "[\"" + std::string(10 << 20, 'x') + "\"]";
  for (int i = 0; i < 10; ++i) EXPECT_THAT(outcomes(parser, value), ElementsAre("value"));
}

// Parses a megabyte byte by byte. If each byte made the parser start over, this would take 2^39 steps.
TEST(JsonLimits, a_value_in_many_pieces_is_not_read_again) {
  JsonParser parser;
  const std::string value = "[\"" + std::string(1 << 20, 'x') + "\"]";
  std::vector<std::string> all;
  for (const char& byte : value) {
    for (auto& outcome : outcomes(parser, {&byte, 1})) all.push_back(std::move(outcome));
  }
  EXPECT_THAT(all, ElementsAre("value"));
}

// Parses the text in pieces of `size` bytes. Returns its first value or the message of its first error.
std::string outcome_in_pieces(std::string_view text, std::size_t size) {
  JsonParser parser;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(std::min(size, rest.size()))) {
    std::string_view piece = rest.substr(0, size);
    if (const auto result = parser.next(piece))
      return *result ? json_text(**result) : result->error().message();
  }
  const auto result = parser.finish();
  return !result ? "nothing" : *result ? json_text(**result) : (*result).error().message();
}

TEST(JsonLimits, a_long_string_is_the_same_however_it_is_cut) {
  const std::string filler = repeated(
      "plain \\n\\\\ \\u00e9 \xc3\xa9 \xe2\x82\xac \\ud83d\\ude00 \xf0\x9f\x98\x80 \\ud83d\\uDE00", 5000);
  for (const std::string_view tail :
       {"\"", "\\\"\"", "\\u0041\"", "\\ud83d\\ude00\"", "\xc3\xa9\"", "\\ud83d\"", "\\ud83dx\"",
        "\\ud83d\\u0041\"", "\\u12\"", "\\u\"", "\\q\"", "\xc3\"", "\xe2\x82\"", "\x80\"", "\xe2\x82x\"",
        "\n\"", "\xff\"", ""}) {
    for (const std::string& text :
         {"\"" + filler + std::string(tail), "[1,{\"a\":\"" + filler + std::string(tail) + "}]",
          "\"" + std::string(tail.substr(0, tail.size() - !tail.empty())) + filler + "\""}) {
      const std::string whole = outcome_in_pieces(text, text.size());
      for (const std::size_t size : {1, 7, 64, 4099, 16 << 10, 65'537, 100'000}) {
        EXPECT_EQ(outcome_in_pieces(text, size), whole) << tail << " in pieces of " << size;
      }
    }
  }
}

TEST(JsonLimits, an_error_in_a_long_string_shows_how_it_begins) {
  const std::string text = "\"" + std::string(1 << 20, 'x') + "\n";
  const std::string shown =
      "JSON parse error, stray '\"" + std::string(JsonLexer::kMostShownBytes - 1, 'x') + "'";
  for (const std::size_t size : {1 << 10, 2 << 20}) EXPECT_EQ(outcome_in_pieces(text, size), shown);
  EXPECT_EQ(outcome_in_pieces(text.substr(0, text.size() - 1), 1 << 10), shown);
}

TEST(JsonLimits, a_name_a_number_and_a_word_may_have_64_kib) {
  constexpr std::size_t kMost = 64 << 10;
  const std::string name(kMost, 'n');
  EXPECT_THAT(outcomes("{\"" + name + "\":1}"), ElementsAre("value"));
  EXPECT_THAT(outcomes("{\"" + name + "n\":1}{}"), ElementsAre("JSON token size limit exceeded", "value"));
  EXPECT_THAT(outcomes("{\"" + repeated(name, 20) + "\":1}{}"),
              ElementsAre("JSON token size limit exceeded", "value"));
  const std::string digits = "0." + std::string(kMost - 2, '1');
  EXPECT_THAT(outcomes("[" + digits + "]"), ElementsAre("value"));
  EXPECT_THAT(outcomes("[" + digits + "1]{}"), ElementsAre("JSON token size limit exceeded", "value"));
  EXPECT_THAT(outcomes("[" + repeated("true", kMost) + "]\n{}"),
              ElementsAre("JSON token size limit exceeded", "value"));
}

TEST(JsonLimits, a_string_over_the_limit_ends_at_its_last_quote_wherever_the_limit_falls) {
  const std::string name((64 << 10) - 8, 'n');
  const std::string value((64 << 20) - 24, 'v');
  for (std::size_t before = 0; before < 16; ++before) {
    const std::string place(before, 'p');
    EXPECT_THAT(outcomes("{\"" + name + place + "\\\"nnnnnnnnnnnnnnnn\":1}{}"),
                ElementsAre("JSON token size limit exceeded", "value"));
  }
  EXPECT_THAT(outcomes("[\"" + value + "\",\"a string of some forty bytes, over the limit\"]{}"),
              ElementsAre("JSON token size limit exceeded", "value"));
}

TEST(JsonLimits, a_string_of_parts_does_not_count_as_many_tokens) {
  JsonParser parser;
  EXPECT_THAT(outcomes(parser, "[\"" + std::string(1 << 20, 'x')), IsEmpty());
  for (std::size_t i = 0; i <= JsonParser::kMaxTokens; ++i) parser_takes(parser, "x");
  EXPECT_THAT(outcomes(parser, "\"]"), ElementsAre("value"));
}

TEST(JsonLimits, doubled_names_are_found_in_large_objects) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += fmt::format("\"{}\":1,", i);
  for (const int doubled : {0, 15, 16, 17, 500, 999}) {
    EXPECT_THAT(outcomes(text + fmt::format("\"{}\":1}}", doubled)),
                ElementsAre("JSON parse error, duplicate key"));
  }
  EXPECT_THAT(outcomes(text + "\"1000\":1}"), ElementsAre("value"));
}

TEST(JsonLimits, what_is_given_up_of_a_large_value_is_freed_a_piece_at_a_time) {
  JsonDisposal disposal(nullptr);
  JsonParser parser;
  parser.dispose_into(disposal);
  EXPECT_THAT(outcomes(parser, "[" + repeated("[1],", 100'000) + "x]"),
              ElementsAre("JSON parse error, invalid keyword 'x'"));
  std::size_t turns = 1;
  while (disposal.free_some()) ++turns;
  EXPECT_GE(turns, 100'000 / JsonDisposal::kElementsInATurn);

  EXPECT_THAT(outcomes(parser, "[1]"), ElementsAre("value"));
  EXPECT_FALSE(parser.value_was_large());
  EXPECT_THAT(outcomes(parser, "[" + repeated("[1],", 100'000) + "1]"), ElementsAre("value"));
  EXPECT_TRUE(parser.value_was_large());
}

TEST(JsonLimits, an_object_of_half_a_million_keys_is_read) {
  std::string text = "{";
  for (int i = 0; i < 500'000; ++i) text += fmt::format("\"{}\":1,", i);
  const auto value = parse_json(text + "\"x\":1}");
  ASSERT_TRUE(value) << value.error().message();
  EXPECT_EQ(value->size(), 500'001U);
}

}  // namespace limits_test
}  // namespace qomio
