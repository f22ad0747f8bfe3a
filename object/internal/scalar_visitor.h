// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "qomio/qapi/json.h"
#include "qomio/qapi/visitor.h"

namespace qomio::internal {

// Passes one value of type T in either direction without JSON. T is std::int64_t, bool, double or
// std::string. std::int64_t serves integers of every size and, as input, double.
template <class T>
class ScalarVisitor final : public Visitor {
 public:
  ScalarVisitor(bool is_input, T value) : is_input_(is_input), value_(std::move(value)) {}
  T& value() { return value_; }

  bool is_input() const override { return is_input_; }
  Result<void> type_int64(std::string_view name, std::int64_t& value) override {
    return pass(name, value, "integer");
  }
  Result<void> type_uint64(std::string_view name, std::uint64_t& value) override {
    if constexpr (std::same_as<T, std::int64_t>) {
      if (is_input_) {
        if (value_ < 0 && !wraps_negative()) return error("Parameter '{}' expects uint64", name);
        value = static_cast<std::uint64_t>(value_);
        return {};
      }
      if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        value_ = static_cast<std::int64_t>(value);
        return {};
      }
    }
    return wrong(name, "integer");
  }
  Result<void> type_size(std::string_view name, std::uint64_t& value) override {
    return type_uint64(name, value);
  }
  Result<void> type_bool(std::string_view name, bool& value) override { return pass(name, value, "boolean"); }
  Result<void> type_number(std::string_view name, double& value) override {
    if constexpr (std::same_as<T, std::int64_t>) {
      if (is_input_) {
        value = static_cast<double>(value_);
        return {};
      }
    }
    return pass(name, value, "number");
  }
  Result<void> type_str(std::string_view name, std::string& value) override {
    return pass(name, value, "string");
  }
  Result<void> type_any(std::string_view name, Json& value) override {
    if (is_input_) {
      value = value_;
      return {};
    }
    return wrong(name, "any");
  }
  Result<void> start_struct(std::string_view name) override { return wrong(name, "object"); }
  Result<void> end_struct() override { return {}; }
  bool optional(std::string_view, bool) override { return false; }
  Result<void> start_list(std::string_view name) override { return wrong(name, "array"); }
  bool next_element() override { return false; }
  Result<void> end_list() override { return {}; }

 private:
  static constexpr std::string_view kKind = std::same_as<T, std::int64_t> ? "integer"
                                            : std::same_as<T, bool>       ? "boolean"
                                            : std::same_as<T, double>     ? "number"
                                                                          : "string";
  // As input, names the kind that the property is of; as output, the kind that the caller wants.
  Result<void> wrong(std::string_view name, std::string_view expected) const {
    return error("Invalid parameter type for '{}', expected: {}", name, is_input_ ? expected : kKind);
  }
  template <class U>
  Result<void> pass(std::string_view name, U& value, std::string_view expected) {
    if constexpr (std::same_as<T, U>) {
      if (is_input_) {
        value = value_;
      } else {
        value_ = value;
      }
      return {};
    } else {
      return wrong(name, expected);
    }
  }

  bool is_input_;
  T value_;
};

}  // namespace qomio::internal
