// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

// JSON as values and as text. The only header of the library with the complete type Json, which costs a
// second of compile time per file; signatures need only qapi/visitor.h.

// Returns the value on one line, as QMP sends it: `{"return": {}, "id": 1}`. The text is ASCII (`\u00E9`,
// surrogate pairs); bytes of a string that are not valid UTF-8 become `\uFFFD`. Doubles are the shortest text
// that reads back as the same double: 1.0 is `1`. Values that JSON cannot hold, see check_json(), are written
// as `null`.
std::string json_text(const Json& value);
// Appends the value to `out`. Returns false if JSON cannot hold all of it; check_json() then returns the
// reason.
bool json_append(std::string& out, const Json& value);

// More deeply nested arrays and objects are written as `null`, since no QMP reader accepts them.
inline constexpr int kMaxJsonDepth = 1024;

// Returns an error if the value cannot be written as JSON:
// `Value 'sensor.ratio' is nan, which JSON can't hold`; likewise if a value in it is infinite, binary, or
// nested deeper than kMaxJsonDepth. `name` is what errors call the value itself.
Result<void> check_json(const Json& value, std::string_view name);

// Returns the value over several lines, indented by four spaces per level, for people.
std::string json_pretty_text(const Json& value);

// Reads one complete value in the dialect of JsonParser, as on the command line. Only whitespace may follow
// it.
Result<Json> parse_json(std::string_view text);

namespace internal {

Result<void> read_json(const Json& json, std::string_view name, Scalars scalars, VisitValue visit,
                       void* value);
Json write_json(VisitValue visit, const void* value);

}  // namespace internal

// Reads a T, of a type that visit() accepts, from a JSON value. `name` is what errors call the value itself.
// Errors: the first of those listed at Visitor.
template <class T>
Result<T> from_json(const Json& json, std::string_view name = {}, Scalars scalars = Scalars::typed) {
  T value{};
  const JsonClearer clearer(value);  // clears what was read before an error
  if (auto r = internal::read_json(json, name, scalars, internal::visit_value<T>, &value); !r)
    return failure(r);
  return value;
}

// Reads into an existing value. Members that may be left out keep their values if the JSON does not contain
// them. After an error the value may have been changed in part.
template <class T>
Result<void> update_from_json(T& value, const Json& json, Scalars scalars = Scalars::typed) {
  return internal::read_json(json, {}, scalars, internal::visit_value<T>, &value);
}

template <class T>
Json to_json(const T& value) {
  return internal::write_json(internal::visit_value<T>, &value);
}

}  // namespace qomio
