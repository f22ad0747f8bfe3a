// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace qomio::qomctl {

using Json = nlohmann::ordered_json;

// What was typed, as the JSON value that an argument of this type wants, or a property of a server that does
// not read text itself. `type` is a name as the server gives it: "int", "uint32", "size", "bool", "string",
// "link<iothread>", "number", an enum's name, "[int]", … Scalars are read as in qapi/internal/json/scalar.h.
// Lists are values with commas between, lists of integers also ranges, 0-3,5; lists and structures can be
// typed as JSON. A list may have the name of its elements' type, as in qom-list: 0,1 is one, while 0 is a
// number there. A server that calls sizes "int" gets 4K as a number. A text that does not fit its type is a
// string, so that it is the server, in its own words, that refuses it.
Json typed_value(std::string_view type, const std::string& text);

// For what may be of any type, or of one that nobody tells: a JSON value when the text is one, else a string.
Json value_of_any_type(const std::string& text);

}  // namespace qomio::qomctl
