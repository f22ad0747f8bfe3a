// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <malloc.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "qomio/qapi/json_parser.h"

namespace qomio {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// Errors by their text, values by "value".
std::vector<std::string> outcomes(JsonParser& parser, std::string_view input) {
  std::vector<std::string> all;
  while (auto result = parser.next(input)) all.push_back(*result ? "value" : result->error().message());
  return all;
}
std::vector<std::string> outcomes(std::string_view input) {
  JsonParser parser;
  return outcomes(parser, input);
}

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

// A megabyte fed byte by byte finishes; were each byte to start over, it would be 2^39 steps.
TEST(JsonLimits, a_value_in_many_pieces_is_not_read_again) {
  JsonParser parser;
  const std::string value = "[\"" + std::string(1 << 20, 'x') + "\"]";
  std::vector<std::string> all;
  for (const char& byte : value) {
    for (auto& outcome : outcomes(parser, {&byte, 1})) all.push_back(std::move(outcome));
  }
  EXPECT_THAT(all, ElementsAre("value"));
}

TEST(JsonLimits, an_object_of_half_a_million_keys_is_read) {
  std::string text = "{";
  for (int i = 0; i < 500'000; ++i) text += fmt::format("\"{}\":1,", i);
  const auto value = parse_json(text + "\"x\":1}");
  ASSERT_TRUE(value) << value.error().message();
  EXPECT_EQ(value->size(), 500'001U);
}

}  // namespace
}  // namespace qomio
