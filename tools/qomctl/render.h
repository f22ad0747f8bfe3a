// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace qomio::qomctl {

using Json = nlohmann::ordered_json;

// Returns the value as JSON on one line, with a space after each comma and colon. ASCII output is safe for a
// terminal; output with all characters must go through printable() first.
enum class JsonCharacters { ascii, all };
std::string json_line(const Json& value, JsonCharacters characters = JsonCharacters::ascii);

// Returns the value as printable text for a table cell: strings without quotes, lists separated by commas,
// and "-" for an empty value.
std::string cell_text(const Json& value);

// Returns the value as printable text for a terminal; each line ends in a newline. A list of objects becomes
// a table with a column for each member; an object becomes a line for each member (members of inner objects
// have dotted names); any other list becomes a line for each value. `{}` and `[]` become "".
std::string people_text(const Json& value, bool colour);

}  // namespace qomio::qomctl
