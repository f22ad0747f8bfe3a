// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/text_visitor.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

namespace qomio {

Result<void> TextVisitor::put(std::string_view text) {
  if (range_) put_range();
  if (in_list_ && !std::exchange(is_first_, false)) text_ += ',';
  text_ += text;
  return {};
}

std::string TextVisitor::integer_text(std::int64_t value, bool is_unsigned) const {
  const auto bits = static_cast<std::uint64_t>(value);
  std::string text = is_unsigned ? fmt::format("{}", bits) : fmt::format("{}", value);
  if (for_people()) text += fmt::format(" ({:#x})", bits);
  return text;
}

Result<void> TextVisitor::put_integer(std::int64_t value, bool is_unsigned) {
  if (!in_list_) return put(integer_text(value, is_unsigned));
  const bool follows = range_ && range_->is_unsigned == is_unsigned &&
                       range_->last != std::numeric_limits<std::int64_t>::max() && value == range_->last + 1;
  if (follows) {
    range_->last = value;
    return {};
  }
  if (range_) put_range();
  range_ = {value, value, is_unsigned};
  return {};
}

void TextVisitor::put_range() {
  const Range range = *std::exchange(range_, std::nullopt);
  std::string text = integer_text(range.first, range.is_unsigned);
  if (range.last != range.first) text += "-" + integer_text(range.last, range.is_unsigned);
  (void)put(text);
}

Result<void> TextVisitor::type_int64(std::string_view name, std::int64_t& value) {
  if (depth_ > 0) return json_.type_int64(name, value);
  return put_integer(value, false);
}

Result<void> TextVisitor::type_uint64(std::string_view name, std::uint64_t& value) {
  if (depth_ > 0) return json_.type_uint64(name, value);
  return put_integer(static_cast<std::int64_t>(value), true);
}

Result<void> TextVisitor::type_size(std::string_view name, std::uint64_t& value) {
  if (depth_ > 0) return json_.type_size(name, value);
  std::string text = fmt::format("{}", value);
  if (for_people()) {
    constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    auto amount = static_cast<double>(value);
    std::size_t unit = 0;
    for (; amount >= 1024 && unit + 1 < kUnits.size(); ++unit) amount /= 1024;
    text += fmt::format(" ({:.3g} {})", amount, kUnits.at(unit));
  }
  return put(text);
}

Result<void> TextVisitor::type_bool(std::string_view name, bool& value) {
  if (depth_ > 0) return json_.type_bool(name, value);
  return put(value ? "true" : "false");
}

Result<void> TextVisitor::type_number(std::string_view name, double& value) {
  if (depth_ > 0) return json_.type_number(name, value);
  return put(fmt::format("{}", value));
}

Result<void> TextVisitor::type_str(std::string_view name, std::string& value) {
  if (depth_ > 0) return json_.type_str(name, value);
  return put(for_people() ? json_text(value) : value);
}

Result<void> TextVisitor::type_any(std::string_view name, Json& value) {
  if (depth_ > 0) return json_.type_any(name, value);
  if (value.is_string()) return type_str(name, value.get_ref<Json::string_t&>());
  return put(json_text(value));
}

Result<void> TextVisitor::start_struct(std::string_view name) {
  ++depth_;
  return json_.start_struct(name);
}

Result<void> TextVisitor::end_struct() {
  (void)json_.end_struct();
  return --depth_ > 0 ? Result<void>() : put(json_text(json_.take()));
}

bool TextVisitor::optional(std::string_view /*name*/, bool present) { return present; }

Result<void> TextVisitor::start_list(std::string_view name) {
  if (depth_ > 0 || in_list_) {
    ++depth_;
    return json_.start_list(name);
  }
  in_list_ = is_first_ = true;
  return {};
}

Result<void> TextVisitor::end_list() {
  if (depth_ > 0) {
    (void)json_.end_list();
    return --depth_ > 0 ? Result<void>() : put(json_text(json_.take()));
  }
  if (range_) put_range();
  in_list_ = false;
  return {};
}

}  // namespace qomio
