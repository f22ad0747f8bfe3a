// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/document.h"

#include "qomio/qapi/json.h"

#include <glib.h>
#include <gmock/gmock.h>

namespace qomio {
namespace document_test {

std::string refusal(std::string_view text) {
  const auto document = parse_json_document(text);
  return document ? "parsed" : document.error().message();
}

TEST(JsonDocumentTest, a_text_is_one_value) {
  EXPECT_EQ(json_text(parse_json_document(" {'a': [1, true]}\n")->value), R"({"a": [1, true]})");
  EXPECT_EQ(json_text(parse_json_document("12")->value), "12");
  EXPECT_EQ(refusal("{}\n {}"), "2:2: Expecting at most one JSON value");
  EXPECT_EQ(refusal("\n\n"), "3:1: Expecting a JSON value");
}

TEST(JsonDocumentTest, errors_begin_with_the_place_of_what_is_wrong) {
  EXPECT_EQ(refusal("{\"a\": 1,\n  \"b\" 2}"), "2:7: JSON parse error, missing : in object pair");
  EXPECT_EQ(refusal("{\"a\": nonsense}"), "1:7: JSON parse error, invalid keyword 'nonsense'");
  EXPECT_EQ(refusal("{\n\"a\": 1,\n\"a\": 1}"), "3:6: JSON parse error, duplicate key");
  EXPECT_EQ(refusal("[1,\n%]"), "2:1: JSON parse error, stray '%'");
  EXPECT_EQ(refusal("{\"a\": [\n"), "2:1: JSON parse error, premature EOI");
  EXPECT_EQ(refusal("{\"a\": \"unclosed"), "1:7: JSON parse error, stray '\"unclosed'");
  const std::string start = "1:7: JSON parse error, stray '\"xxx";
  EXPECT_EQ(refusal("{\"a\": \"" + std::string(1 << 20, 'x')).substr(0, start.size()), start);
  EXPECT_EQ(refusal("[]]"), "1:3: Expecting at most one JSON value");
  EXPECT_EQ(refusal(std::string(1025, '[')), "1:1025: JSON nesting depth limit exceeded");
}

TEST(JsonDocumentTest, a_byte_order_mark_in_front_is_skipped) {
  EXPECT_EQ(json_text(parse_json_document("\xef\xbb\xbf{'a': 1}")->value), R"({"a": 1})");
  EXPECT_EQ(refusal("\xef\xbb\xbf%"), "1:1: JSON parse error, stray '%'");
  EXPECT_EQ(refusal("\xef\xbb\xbf"), "1:1: Expecting a JSON value");
  EXPECT_EQ(refusal("[\xef\xbb\xbf]"), "1:2: JSON parse error, stray byte order mark");
  EXPECT_EQ(refusal(std::string_view("\xff\xfe{\0}\0", 6)),
            "1:1: the text has the byte order mark of UTF-16, but UTF-8 is expected");
  EXPECT_EQ(refusal(std::string_view("\xfe\xff\0{\0}", 6)),
            "1:1: the text has the byte order mark of UTF-16, but UTF-8 is expected");
}

TEST(JsonDocumentTest, what_is_shown_of_a_long_error_ends_with_a_whole_character) {
  for (int ahead = 0; ahead < 4; ++ahead) {
    std::string text = "\"" + std::string(static_cast<std::size_t>(ahead), 'a');
    for (int i = 0; i < 50; ++i) text += "\xe2\x82\xac";
    const std::string shown = refusal(text);
    EXPECT_TRUE(g_utf8_validate(shown.data(), static_cast<gssize>(shown.size()), nullptr)) << shown;
  }
}

TEST(JsonDocumentTest, a_number_too_large_for_a_double_is_refused_where_it_stands) {
  EXPECT_EQ(refusal("{'a': [1,\n 1e999]}"), "2:2: JSON parse error, number 1e999 is too large");
}

TEST(JsonDocumentTest, elements_of_the_outer_lists_have_their_places) {
  const auto document = parse_json_document("{'x': {'y': {}},\n 'list': [{'a': [{}]},\n  5,\n  {}]}");
  ASSERT_TRUE(document);
  ASSERT_EQ(document->elements.size(), 2U);
  EXPECT_EQ(document->elements[0].prefix(), "2:11: ");
  EXPECT_EQ(document->elements[1].prefix(), "4:3: ");
}

}  // namespace document_test
}  // namespace qomio
