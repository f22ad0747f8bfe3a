// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/json.h"

namespace qomio {

// A place in a text, both from 1 on; the column counts bytes.
struct TextPlace {
  std::size_t line = 1;
  std::size_t column = 1;
  // "3:14: ", to stand in front of an error.
  std::string prefix() const;
};
TextPlace place_in(std::string_view text, std::size_t offset);

// One JSON value that is a whole text, such as a file.
struct JsonDocument {
  Json value;
  // Where the elements of arrays begin that are members of the outermost object, in the order of the text.
  std::vector<TextPlace> elements;
};

// As parse_json(), in the same dialect, but errors begin with their place, and a byte order mark in front of
// the text is skipped; columns are counted behind it. The text may be long: a token has the limit that a
// whole value has there, and there may be any number of them.
Result<JsonDocument> parse_json_document(std::string_view text);

}  // namespace qomio
