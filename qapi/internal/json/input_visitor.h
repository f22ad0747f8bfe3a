// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

// Reads from a JSON value, which is not copied and must outlive the visitor.
//
// With Scalars::typed, as in QMP, each value must have the requested JSON type. With Scalars::text, as on a
// command line, every scalar is a string and is converted (qapi/text.h). A string in place of a list is split
// at commas, and in a list of integers 1-3 means 1,2,3 (at most kMaxRange elements per list). A string in
// place of a list, a struct or an `any` value may also be typed JSON that begins with '[' or '{':
// `["a,b", "c"]` expresses what commas cannot. In place of a list, a string that is not a JSON array is split
// at commas.
class InputVisitor final : public Visitor {
 public:
  using Scalars = qomio::Scalars;
  // What `any` values may contain. `json`: only values that JSON can hold. `all`: also numbers that are too
  // large for it, since another visitor, which knows their types, will read and check them.
  enum class Any { json, all };
  static constexpr std::size_t kMaxRange = 65536;

  explicit InputVisitor(const Json& value, Scalars scalars = Scalars::typed, Any any = Any::json)
      : root_(&value), scalars_(scalars), any_(any) {}
  // Reads a text as the value itself, as in `prop=TEXT`. Does not copy the text, either, unless it is a
  // temporary.
  explicit InputVisitor(std::string_view text) : root_text_(text), scalars_(Scalars::text) {}
  explicit InputVisitor(const char* text) : InputVisitor(std::string_view(text)) {}
  explicit InputVisitor(const std::string& text) : InputVisitor(std::string_view(text)) {}
  explicit InputVisitor(std::string&& text);

  bool is_input() const override { return true; }
  Result<void> type_int64(std::string_view name, std::int64_t& value) override;
  Result<void> type_uint64(std::string_view name, std::uint64_t& value) override;
  Result<void> type_size(std::string_view name, std::uint64_t& value) override;
  Result<void> type_bool(std::string_view name, bool& value) override;
  Result<void> type_number(std::string_view name, double& value) override;
  Result<void> type_str(std::string_view name, std::string& value) override;
  Result<void> type_any(std::string_view name, Json& value) override;
  Result<void> type_null(std::string_view name) override;
  Result<JsonKind> next_kind(std::string_view name) override;
  bool is_text(std::string_view name) override;
  std::string full_name(std::string_view name) const override;
  Result<void> start_struct(std::string_view name) override;
  Result<void> end_struct() override;
  bool optional(std::string_view name, bool present) override;
  bool next_member(std::string& name) override;
  Result<void> start_list(std::string_view name) override;
  bool next_element() override;
  Result<void> end_list() override;

 private:
  struct Frame {
    const Json* value;
    std::string name;        // of this struct or list in its parent
    std::size_t index = 0;   // list: of the next element; struct: of the member that was found last
    std::vector<bool> seen;  // struct: members that were visited
    // List: split from one string. Ranges such as 1-3 are expanded when the first integer is read.
    bool is_split = false;
    bool is_json = false;  // typed, since it comes from a string that was JSON
  };

  // Returns the value of `name` in the current struct or list and marks it as seen; null if it is missing.
  const Json* find(std::string_view name);
  Result<const Json*> get(std::string_view name);
  Result<std::string_view> get_text(std::string_view name);
  // True if the visitor was made from text and this text is being visited.
  bool at_root_text() const { return !root_ && stack_.empty(); }
  Result<std::string_view> get_integer_text(std::string_view name, bool is_unsigned);
  // Returns the text as JSON if it begins with `first` and is valid, otherwise null.
  const Json* json_in(std::string_view text, char first);
  // The full name of the struct or list being visited.
  std::string container_name() const;
  // The error for a list or struct in a list split from a string, which can contain only scalars.
  std::unexpected<Error> no_list() const;
  void append_index(std::string& path, const Frame& frame) const;
  bool in_json() const { return !stack_.empty() && stack_.back().is_json; }
  bool text() const { return scalars_ == Scalars::text && !in_json(); }
  Result<void> expand_ranges(Frame& list, bool is_unsigned);

  const Json& keep(Json value) { return *made_.emplace_back(std::make_unique<Json>(std::move(value))); }

  const Json* root_ = nullptr;
  std::string_view root_text_;
  Scalars scalars_;
  Any any_ = Any::json;
  std::vector<Frame> stack_;
  std::vector<std::unique_ptr<Json>> made_;  // made from texts: split lists and parsed JSON
};

}  // namespace qomio
