// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "qomio/qapi/error.h"

namespace qomio {

// A JSON value as it crosses the control boundary. Members keep the order they were sent in; int64, uint64
// and double stay apart. Strings may hold NUL. This header only declares it: include <nlohmann/json.hpp> to
// look inside.
using Json = nlohmann::ordered_json;

// The value as QMP sends it, on one line: `{"return": {}, "id": 1}`. ASCII only (`\u00E9`, surrogate pairs);
// bytes of a string that are no UTF-8 become `\uFFFD`. Doubles are the shortest text that reads back as the
// same double: 1.0 is `1`. What JSON has no text for, as check_json() tells, stands as `null`.
std::string json_text(const Json& value);
// Behind what is there already; false: check_json() tells why not all of it could be written.
bool json_append(std::string& out, const Json& value);

// Deeper values are not written, as no reader of QMP takes them.
inline constexpr int kMaxJsonDepth = 1024;

// Can the value be written as JSON? Errors: `Value 'sensor.ratio' is nan, which JSON can't hold`; likewise
// what is infinite, binary, or nested deeper than kMaxJsonDepth. `name` is what the value itself is called.
Result<void> check_json(const Json& value, std::string_view name);

// The same over several lines, four blanks a level, for people.
std::string json_pretty_text(const Json& value);

// One whole value, as on the command line, in the dialect of JsonParser. Nothing but blanks may stand behind
// it.
Result<Json> parse_json(std::string_view text);

}  // namespace qomio
