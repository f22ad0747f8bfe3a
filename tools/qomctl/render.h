// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace qomio::qomctl {

using Json = nlohmann::ordered_json;

// The value as JSON on one line, with a blank after each comma and colon. In ASCII there is nothing that a
// terminal would obey; with all characters the text must be made printable for one.
enum class JsonCharacters { ascii, all };
std::string json_line(const Json& value, JsonCharacters characters = JsonCharacters::ascii);

// The value as a person reads it in one cell, printable: strings bare, lists with commas between, nothing at
// all as "-".
std::string cell_text(const Json& value);

// The value for a terminal, printable, with a newline at the end of each line; "" for a value that says
// nothing (`{}`): a list of objects is a table with a column for each member, an object is a line for each
// member (those of inner objects by dotted names), a list of plain values is a line for each.
std::string people_text(const Json& value, bool colour);

}  // namespace qomio::qomctl
