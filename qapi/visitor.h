// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "qomio/qapi/error.h"

namespace qomio {

// A JSON value as it crosses the control boundary. Members keep the order in which they were sent; int64,
// uint64 and double remain distinct; strings may contain NUL. Only declared here; qapi/json.h has the
// complete type.
using Json = nlohmann::ordered_json;

// The kinds of JSON values.
enum class JsonKind { null, boolean, integer, number, string, array, object };
JsonKind json_kind(const Json& value);

// How scalars are read. `typed`: each must have the requested JSON type, as in QMP. `text`: each is a string
// and is converted, as on a command line.
enum class Scalars { typed, text };

// Carries values across the control boundary in one direction: an input visitor fills the variables it is
// given, an output visitor reads them. Code that visits is written once and works for JSON, the command line
// and plain scalars; for C++ types, visit() in qapi/describe.h does this.
//
// `name` is the member's name inside the struct being visited. It is empty for elements of a list; for the
// outermost value it is what errors call that value. After a failed visit the visitor must not be used again.
// The scalar is unchanged then, but a struct may have been filled in part (from_json() and properties do not
// expose it).
//
// Thread: one at a time.
class Visitor {
 public:
  virtual ~Visitor() = default;

  virtual bool is_input() const = 0;

  // Input: makes a negative integer an error where an unsigned 64-bit integer is read, as for properties.
  // Without this call it wraps modulo 2^64, as in QMP.
  void refuse_negative() { wraps_negative_ = false; }
  bool wraps_negative() const { return wraps_negative_; }

  // Errors of input, all GenericError: `Parameter '<full name>' is missing`;
  // `Invalid parameter type for '<full name>', expected: integer`, or, for uint64 and size,
  // `Parameter '<full name>' expects uint64`; from text `Parameter '<full name>' expects integer`.
  virtual Result<void> type_int64(std::string_view name, std::int64_t& value) = 0;
  virtual Result<void> type_uint64(std::string_view name, std::uint64_t& value) = 0;
  // In bytes; text may have a suffix.
  virtual Result<void> type_size(std::string_view name, std::uint64_t& value) = 0;
  virtual Result<void> type_bool(std::string_view name, bool& value) = 0;
  virtual Result<void> type_number(std::string_view name, double& value) = 0;
  virtual Result<void> type_str(std::string_view name, std::string& value) = 0;
  virtual Result<void> type_any(std::string_view name, Json& value) = 0;

  // Input: reads a value that must be null. Errors:
  // `Invalid parameter type for '<full name>', expected: null`.
  virtual Result<void> type_null(std::string_view name);
  // Input: returns the kind of the next value without reading it. In text every scalar is a string.
  virtual Result<JsonKind> next_kind(std::string_view name);
  // Returns true if the next value is text as people write it: on a command line, or for one. Types that have
  // a text form of their own (qapi/value_traits.h) are visited by type_str() then.
  virtual bool is_text(std::string_view name);
  // What errors call the value: its name, preceded by the names of the structs and lists around it where the
  // visitor knows them.
  virtual std::string full_name(std::string_view name) const;
  // The error for a value that is not of an expected kind.
  std::unexpected<Error> wrong_kind(std::string_view name, std::string_view expected) const;

  virtual Result<void> start_struct(std::string_view name) = 0;
  // Input: fails if the struct has members that were not visited: `Parameter '<full name>' is unexpected`.
  virtual Result<void> end_struct() = 0;
  // Input: returns true if the member is there. Output: returns `present`.
  virtual bool optional(std::string_view name, bool present) = 0;
  // Input, for maps: names the member to visit next; returns false after the last. All members are visited in
  // this order.
  virtual bool next_member(std::string& name);

  virtual Result<void> start_list(std::string_view name) = 0;
  // Input only: returns true if there is another element. The next visit, with an empty name, reads it.
  virtual bool next_element() = 0;
  virtual Result<void> end_list() = 0;

 private:
  bool wraps_negative_ = true;
};

}  // namespace qomio
