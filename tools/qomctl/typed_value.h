// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace qomio::qomctl {

using Json = nlohmann::ordered_json;

// What was typed, as the JSON value that a property or argument of this type wants. `type` is a name as the
// server gives it: "int", "uint32", "size", "bool", "string", "link<iothread>", "number", an enum's name, …
// A text that does not fit its type goes as a string, so that it is the server, in its own words, that
// refuses it. Whole numbers: decimal or 0x…; a size also with k, M, G, T at the end (powers of 1024). Lists
// and structures are typed as JSON.
Json typed_value(std::string_view type, const std::string& text);

// The same where the type is unknown: a JSON value when the text is one, else a string.
Json guessed_value(const std::string& text);

}  // namespace qomio::qomctl
