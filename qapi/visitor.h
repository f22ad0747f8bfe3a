// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "qomio/qapi/error.h"

namespace qomio {

using Json = nlohmann::ordered_json;  // described in qapi/json.h

// What kind of value JSON has somewhere.
enum class JsonKind { null, boolean, integer, number, string, array, object };
JsonKind json_kind(const Json& value);

// How input stands for scalars: `typed`, as in QMP, a number is a JSON number; `text`, as on a command line,
// every scalar is a string, which is converted.
enum class Scalars { typed, text };

// Carries values across the control boundary, in one direction: an input visitor fills the variables it is
// given, an output visitor reads them. Code that visits is written once and serves JSON, the command line and
// plain scalars; for C++ types visit() in qapi/describe.h does it.
//
// `name` is the member's name inside the struct being visited; it is empty for elements of a list, and for
// the value at the top it is what errors call it. A failed visit leaves the visitor unusable and the scalar
// unchanged; a struct may be half filled then (from_json() and properties keep it to themselves).
//
// Thread: one at a time.
class Visitor {
 public:
  virtual ~Visitor() = default;

  virtual bool is_input() const = 0;

  // Input: a negative integer stands for an unsigned one of 64 bits, modulo 2^64, as QMP has it; or, from now
  // on, is refused, as properties have it.
  void refuse_negative() { wraps_negative_ = false; }
  bool wraps_negative() const { return wraps_negative_; }

  // Errors of input, all GenericError: `Parameter '<full name>' is missing`;
  // `Invalid parameter type for '<full name>', expected: integer`, for uint64 and size
  // `Parameter '<full name>' expects uint64`; from text `Parameter '<full name>' expects integer`.
  virtual Result<void> type_int64(std::string_view name, std::int64_t& value) = 0;
  virtual Result<void> type_uint64(std::string_view name, std::uint64_t& value) = 0;
  virtual Result<void> type_size(std::string_view name,
                                 std::uint64_t& value) = 0;  // bytes; text may have a suffix
  virtual Result<void> type_bool(std::string_view name, bool& value) = 0;
  virtual Result<void> type_number(std::string_view name, double& value) = 0;
  virtual Result<void> type_str(std::string_view name, std::string& value) = 0;
  virtual Result<void> type_any(std::string_view name, Json& value) = 0;

  // Of input that must be null. Errors: `Invalid parameter type for '<full name>', expected: null`.
  virtual Result<void> type_null(std::string_view name);
  // Input: what kind of value comes next; it is not read yet. From text a scalar is a string.
  virtual Result<JsonKind> next_kind(std::string_view name);
  // The error for a value that is none of what is allowed. For input that has a path; others need not.
  virtual std::unexpected<Error> wrong_kind(std::string_view name, std::string_view expected) const;

  virtual Result<void> start_struct(std::string_view name) = 0;
  // Input: refuses members that nobody asked for, `Parameter '<full name>' is unexpected`.
  virtual Result<void> end_struct() = 0;
  // Input: is the member there? Output: notes that it is `present`, and returns just that.
  virtual bool optional(std::string_view name, bool present) = 0;

  virtual Result<void> start_list(std::string_view name) = 0;
  // Input only: is there one more element? The next visit, with an empty name, reads it.
  virtual bool next_element() = 0;
  virtual Result<void> end_list() = 0;

 private:
  bool wraps_negative_ = true;
};

}  // namespace qomio
