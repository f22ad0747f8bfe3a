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
// second per file: signatures need qapi/visitor.h only.

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

namespace internal {

// visit() of a T, behind a pointer.
using VisitValue = Result<void> (*)(Visitor& visitor, std::string_view name, void* value);
template <class T>
Result<void> visit_value(Visitor& visitor, std::string_view name, void* value) {
  return visit(visitor, name, *static_cast<T*>(value));
}

Result<void> read_json(const Json& json, std::string_view name, Scalars scalars, VisitValue visit,
                       void* value);
Json write_json(VisitValue visit, const void* value);

}  // namespace internal

// A T, of a type that visit() takes, from a JSON value. `name` is what errors call the value itself. Errors:
// the first that Visitor tells of.
template <class T>
Result<T> from_json(const Json& json, std::string_view name = {}, Scalars scalars = Scalars::typed) {
  T value{};
  const JsonClearer clearer(value);  // of what a failure leaves
  if (auto r = internal::read_json(json, name, scalars, internal::visit_value<T>, &value); !r)
    return failure(r);
  return value;
}

// Reads into a value that is there already, whose members with a default keep their values where the JSON has
// none. After an error the value may be half read.
template <class T>
Result<void> update_from_json(T& value, const Json& json, Scalars scalars = Scalars::typed) {
  return internal::read_json(json, {}, scalars, internal::visit_value<T>, &value);
}

template <class T>
Json to_json(const T& value) {
  return internal::write_json(internal::visit_value<T>, &value);
}

}  // namespace qomio
