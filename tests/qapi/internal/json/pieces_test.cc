// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/pieces.h"

#include "qomio/qapi/json.h"
#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace pieces_test {

// Returns the pieces joined. Requires that none is empty or much larger than kPieceBytes.
std::string joined(const Json& value) {
  JsonDisposal disposal(nullptr);
  JsonPieces pieces(value, disposal);
  std::string all;
  for (bool more = true; more;) {
    std::string piece;
    more = pieces.next(piece);
    EXPECT_FALSE(piece.empty());
    EXPECT_LE(piece.size(), 7 * JsonPieces::kPieceBytes);
    all += piece;
  }
  return all;
}

void check(const Json& value) { EXPECT_EQ(joined(value), json_text(value)); }

TEST(JsonPieces, together_are_what_is_written_in_one_go) {
  for (const char* text : {"1", "null", "'a'", "''", "[]", "{}", "[[],{},'',[1,2.5,[true]]]",
                           "{'a':{'b':[null,{'c':'d'}],'':[]},'e':1}"}) {
    check(*parse_json(text));
  }
}

TEST(JsonPieces, long_strings_are_cut_between_characters) {
  for (const std::string_view character : {"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\"", "\n"}) {
    for (std::size_t shift = 0; shift < 5; ++shift) {
      std::string text(shift, 'x');
      while (text.size() < 100'000) text += character;
      check(Json::array({text, Json{{text.substr(0, 1000), text}}}));
    }
  }
}

TEST(JsonPieces, bytes_that_are_no_characters_are_written_too) {
  EXPECT_EQ(joined(Json(std::string(50'000, '\x80'))).size(), 50'000U * 6 + 2);
}

TEST(JsonPieces, many_elements_make_many_pieces) {
  Json list = Json::array();
  for (int i = 0; i < 100'000; ++i) list.push_back(i);
  check(list);
}

}  // namespace pieces_test
}  // namespace qomio
