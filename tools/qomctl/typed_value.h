// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace qomio::qomctl {

using Json = nlohmann::ordered_json;

// Converts typed text to the JSON value for an argument of this type, or for a property of a server that does
// not read text itself. `type` is a name that the server uses: "int", "uint32", "size", "bool", "string",
// "link<iothread>", "number", an enum's name, "[int]", … Numbers and switches are read as in qapi/text.h.
// Lists are values separated by commas; lists of integers may contain ranges, as in 0-3,5. Lists and
// structures may also be typed as JSON. In qom-list, a list may have the name of its elements' type: text
// such as 0,1 is then a list, while 0 is a number. With "int", sizes such as 4K are numbers, too. Text that
// does not fit the type is sent as a string, so that the server reports the error.
Json typed_value(std::string_view type, const std::string& text);

// For a value of any type or of an unknown type: the JSON value if the text is JSON, else a string.
Json value_of_any_type(const std::string& text);

}  // namespace qomio::qomctl
