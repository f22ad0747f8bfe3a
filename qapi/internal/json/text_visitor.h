// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

// Writes one value, such as a property, as text. InputVisitor reads the plain form back as the same value:
// `5`, `true`, a string as it is, lists as `a,b` and lists of integers as `1-3,5`. Structs are written as
// JSON, and so are whole lists, `["a,b", "c"]`, that contain structs, lists, strings with a comma, a single
// empty string, or more integers than InputVisitor::kMaxRange. Two exceptions are read back as strings:
// values of type `any`, except arrays and objects, and alternates with a string. An optional string that is
// `null` is read back as no string.
//
// The form for people quotes strings and extends numbers: `5 (0x5)`, for sizes `4096 (4 KiB)`. Never fails.
class TextVisitor final : public Visitor {
 public:
  enum class Form { plain, for_people };

  explicit TextVisitor(Form form = Form::plain) : form_(form) {}

  // Returns the text of the value that was visited and leaves the visitor empty.
  std::string take() { return std::exchange(text_, {}); }

  bool is_input() const override { return false; }
  Result<void> type_int64(std::string_view name, std::int64_t& value) override;
  Result<void> type_uint64(std::string_view name, std::uint64_t& value) override;
  Result<void> type_size(std::string_view name, std::uint64_t& value) override;
  Result<void> type_bool(std::string_view name, bool& value) override;
  Result<void> type_number(std::string_view name, double& value) override;
  Result<void> type_str(std::string_view name, std::string& value) override;
  Result<void> type_any(std::string_view name, Json& value) override;
  bool is_text(std::string_view /*name*/) override { return depth_ == 0; }
  Result<void> start_struct(std::string_view name) override;
  Result<void> end_struct() override;
  bool optional(std::string_view name, bool present) override;
  Result<void> start_list(std::string_view name) override;
  bool next_element() override { return false; }
  Result<void> end_list() override;

 private:
  // Consecutive integers of a list; signed ones in two's complement.
  struct Range {
    std::uint64_t first, last;
    bool is_unsigned;
  };

  Result<void> put(std::string_view text);
  Result<void> put_integer(std::uint64_t value, bool is_unsigned);
  void put_range();
  std::string integer_text(std::uint64_t value, bool is_unsigned) const;
  // True if JSON is being made, too.
  bool is_open() const { return in_list_ || depth_ > 0; }
  // The end of a struct, or of a list within a struct or list.
  Result<void> end_inner();
  bool for_people() const { return form_ == Form::for_people; }

  const Form form_;
  std::string text_;
  bool in_list_ = false;
  bool is_first_ = true;      // no element of the list was written yet
  std::size_t integers_ = 0;  // number of integers in the list
  bool needs_json_ = false;   // the list must be written as JSON
  std::optional<Range> range_;
  // The value as JSON, if text cannot express it. For a list, this is known only at its end.
  OutputVisitor json_;
  int depth_ = 0;  // of structs and lists, not counting the outermost list
};

template <class T>
std::string to_text(const T& value, TextVisitor::Form form = TextVisitor::Form::plain) {
  TextVisitor visitor(form);
  // As in to_json(): the visitor only reads the value.
  (void)visit(visitor, {}, const_cast<T&>(value));
  return visitor.take();
}

}  // namespace qomio
