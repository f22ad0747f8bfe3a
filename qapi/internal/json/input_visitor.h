// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

// Reads from a JSON value.
//
// With Scalars::typed, as in QMP, each value must have the JSON type asked for. With Scalars::text, as on a
// command line, every scalar is a string and is converted (qapi/internal/json/scalar.h). Where a list is
// asked for and a string stands there, it is split at commas, and in a list of integers 1-3 means 1,2,3 (at
// most kMaxRange elements a list). Where a list, a struct or any value is asked for, the string may also be
// JSON, typed, which begins with '[' or '{': `["a,b", "c"]` says what commas can't. What is no JSON array is
// split as ever.
//
// The value is not copied: it must outlive the visitor.
class InputVisitor final : public Visitor {
 public:
  using Scalars = qomio::Scalars;
  // What `any` values may hold: what JSON can hold; or also what is too large for it, since somebody else
  // reads them, who knows their types, with a visitor that takes less.
  enum class Any { json, all };
  static constexpr std::size_t kMaxRange = 65536;

  explicit InputVisitor(const Json& value, Scalars scalars = Scalars::typed, Any any = Any::json)
      : root_(&value), scalars_(scalars), any_(any) {}
  // From text that stands for the value itself, as behind `prop=`; not copied either, unless it is about to
  // go.
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
  std::unexpected<Error> wrong_kind(std::string_view name, std::string_view expected) const override;
  Result<void> start_struct(std::string_view name) override;
  Result<void> end_struct() override;
  bool optional(std::string_view name, bool present) override;
  Result<void> start_list(std::string_view name) override;
  bool next_element() override;
  Result<void> end_list() override;

 private:
  struct Frame {
    const Json* value;
    std::string name;        // of this struct or list, as its parent calls it
    std::size_t index = 0;   // list: the next element
    std::vector<bool> seen;  // struct: members asked for
    bool is_split =
        false;  // list: made of one string; its ranges stand for themselves until an integer is read
    bool is_json = false;  // typed, in a string that was JSON
  };

  // The value that `name` stands for here, marked as seen; null when missing.
  const Json* find(std::string_view name);
  Result<const Json*> get(std::string_view name);
  Result<std::string_view> get_text(std::string_view name);
  // The visitor was made from text, and that is what is visited.
  bool at_root_text() const { return !root_ && stack_.empty(); }
  Result<std::string_view> get_integer_text(std::string_view name, bool is_unsigned);
  // The array or object that the text is, if it is one that begins so; else null.
  const Json* json_in(std::string_view text, char first);
  // Of the struct or list being visited, and of a value in it.
  std::string container_name() const;
  std::string full_name(std::string_view name) const;
  // Text can stand for a list of scalars only.
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
  std::vector<std::unique_ptr<Json>> made_;  // of texts: split lists, and what was JSON
};

// A whole T from a JSON value, or the first error; `name` is what errors call the value itself.
template <class T>
Result<T> from_json(const Json& json, std::string_view name = {},
                    InputVisitor::Scalars scalars = InputVisitor::Scalars::typed,
                    InputVisitor::Any any = InputVisitor::Any::json) {
  T value{};
  const JsonClearer clearer(value);  // of what a failure leaves
  InputVisitor visitor(json, scalars, any);
  if (auto r = visit(visitor, name, value); !r) return failure(r);
  return value;
}

}  // namespace qomio
