// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/internal/json/disposal.h"
#include "qomio/qapi/internal/json/lexer.h"
#include "qomio/qapi/internal/json/name_index.h"
#include "qomio/qapi/internal/json/string.h"
#include "qomio/qapi/json.h"

namespace qomio {

// What becomes of a number that is too large for a double: an error; or infinity, so that the reader of the
// value, which knows the parameter, refuses it.
enum class LargeNumbers { refused, infinite };

// Builds one value from tokens. After the first error it keeps the error, frees what has been built, and
// ignores the remaining tokens of the value. Containers and strings grow so that no token takes long.
class JsonBuilder {
 public:
  static constexpr std::size_t kMaxNameBytes = 64 << 10;  // of a member

  explicit JsonBuilder(LargeNumbers large_numbers = LargeNumbers::refused);
  ~JsonBuilder();

  // The disposal frees abandoned values that may be large. It must outlive this object.
  void dispose_into(JsonDisposal& disposal) { disposal_ = &disposal; }

  // A punctuation, string, string part, number or word token.
  void add(const JsonToken& token);

  // Open braces and brackets, counted separately. The value is complete when both are 0 or one is negative.
  int open_braces() const { return braces_; }
  int open_brackets() const { return brackets_; }
  bool started() const { return started_; }
  bool failed() const { return error_.has_value(); }
  bool complete() const {
    return started_ && !in_string_ && ((braces_ == 0 && brackets_ == 0) || braces_ < 0 || brackets_ < 0);
  }

  // Returns the value or its first error; an incomplete value is an error. Afterwards the next value may
  // begin.
  Result<Json> take();
  void clear();

 private:
  enum class Expect : std::uint8_t {
    Value,
    ElementOrEnd,
    KeyOrEnd,
    Key,
    Colon,
    MemberSeparator,
    ElementSeparator,
    Nothing
  };
  // An object or array that is not closed yet.
  struct Level {
    Json* container;
    bool is_object;
    bool is_key = false;                   // found where a key is expected: an error, reported at its end
    bool doubled_key = false;              // the member being read has the name of an earlier one
    std::unique_ptr<JsonNameIndex> names;  // null until the object is large
  };

  void add_to_value(const JsonToken& token, bool as_key);
  void add_key(const JsonToken& token);
  void open(bool is_object, bool as_key);
  void close();
  void value_ended();
  Json& new_slot();
  bool is_doubled(Level& level, const std::string& name);
  void fail(Error error);
  void fail(std::string_view what);
  Result<std::string> string_of(const JsonToken& token);
  Result<Json> string_value(const JsonToken& token);
  void drop_values();

  const LargeNumbers large_numbers_;
  Expect expect_ = Expect::Value;
  bool started_ = false;
  int braces_ = 0;
  int brackets_ = 0;
  struct Deleter {
    void operator()(Json* value) const noexcept;  // needs no memory
  };
  std::unique_ptr<Json, Deleter> root_;
  std::unique_ptr<Json, Deleter> key_root_;  // the value found where a key is expected
  std::vector<Level> levels_;
  std::optional<JsonStringDecoder> long_string_;  // the string of which parts have come
  bool in_string_ = false;
  std::size_t tokens_ = 0;
  std::size_t bytes_ = 0;
  std::optional<Error> error_;
  JsonDisposal* disposal_ = nullptr;
};

// The value of a string, number or word token.
Result<Json> json_scalar(const JsonToken& token, LargeNumbers large_numbers);

// The characters of a string token.
Result<std::string> json_string(const JsonToken& token);

// The error for the text of a Stray token, of which at most max_bytes bytes are shown.
Error json_stray_error(std::string_view text, std::size_t max_bytes);

}  // namespace qomio
