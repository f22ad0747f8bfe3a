// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/json.h"

namespace qomio {

// A place in a text. Line and column start at 1; the column counts bytes.
struct TextPlace {
  std::size_t line = 1;
  std::size_t column = 1;
  // "3:14: ", to prepend to an error.
  std::string prefix() const;
};
TextPlace place_in(std::string_view text, std::size_t offset);

// The JSON value of a whole text, such as a file.
struct JsonDocument {
  Json value;
  // Where objects begin that are elements of an array in the outermost object, in the order of the text.
  std::vector<TextPlace> elements;
};

// Like parse_json(), in the same dialect, but errors begin with their place, and a byte order mark at the
// start of the text is skipped and not counted in columns. The text may be long: JsonParser's limit for the
// bytes of a value applies to each token, and there may be any number of tokens.
Result<JsonDocument> parse_json_document(std::string_view text);

}  // namespace qomio
