// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/text_visitor.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/json.h"

namespace qomio {

Result<void> TextVisitor::put(std::string_view text) {
  if (range_) put_range();
  if (in_list_ && !std::exchange(is_first_, false)) text_ += ',';
  text_ += text;
  return {};
}

std::string TextVisitor::integer_text(std::uint64_t value, bool is_unsigned) const {
  std::string text =
      is_unsigned ? fmt::format("{}", value) : fmt::format("{}", static_cast<std::int64_t>(value));
  if (for_people()) text += fmt::format(" ({:#x})", value);
  return text;
}

Result<void> TextVisitor::put_integer(std::uint64_t value, bool is_unsigned) {
  if (!in_list_) return put(integer_text(value, is_unsigned));
  ++integers_;
  const auto most = is_unsigned ? std::numeric_limits<std::uint64_t>::max()
                                : static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool follows =
      range_ && range_->is_unsigned == is_unsigned && range_->last != most && value == range_->last + 1;
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
  if (is_open()) (void)json_.type_int64(name, value);
  return depth_ > 0 ? Result<void>() : put_integer(static_cast<std::uint64_t>(value), false);
}

Result<void> TextVisitor::type_uint64(std::string_view name, std::uint64_t& value) {
  if (is_open()) (void)json_.type_uint64(name, value);
  return depth_ > 0 ? Result<void>() : put_integer(value, true);
}

Result<void> TextVisitor::type_size(std::string_view name, std::uint64_t& value) {
  if (is_open()) (void)json_.type_size(name, value);
  if (depth_ > 0) return {};
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
  if (is_open()) (void)json_.type_bool(name, value);
  return depth_ > 0 ? Result<void>() : put(value ? "true" : "false");
}

Result<void> TextVisitor::type_number(std::string_view name, double& value) {
  if (is_open()) (void)json_.type_number(name, value);
  return depth_ > 0 ? Result<void>() : put(fmt::format("{}", value));
}

Result<void> TextVisitor::type_str(std::string_view name, std::string& value) {
  if (is_open()) (void)json_.type_str(name, value);
  if (depth_ > 0) return {};
  if (!for_people() && value.contains(',')) needs_json_ = true;
  return put(for_people() ? json_text(value) : value);
}

Result<void> TextVisitor::type_any(std::string_view name, Json& value) {
  if (depth_ == 0 && value.is_string()) return type_str(name, value.get_ref<Json::string_t&>());
  if (is_open()) (void)json_.type_any(name, value);
  if (depth_ > 0) return {};
  if (!for_people()) needs_json_ = true;
  return put(json_text(value));
}

Result<void> TextVisitor::start_struct(std::string_view name) {
  ++depth_;
  return json_.start_struct(name);
}

Result<void> TextVisitor::end_struct() {
  (void)json_.end_struct();
  return end_inner();
}

Result<void> TextVisitor::end_inner() {
  if (--depth_ > 0) return {};
  if (!in_list_) return put(json_text(json_.take()));
  needs_json_ = true;
  return {};
}

bool TextVisitor::optional(std::string_view /*name*/, bool present) { return present; }

Result<void> TextVisitor::start_list(std::string_view name) {
  if (is_open()) {
    ++depth_;
  } else {
    in_list_ = is_first_ = true;
    needs_json_ = false;
    integers_ = 0;
  }
  return json_.start_list(name);
}

Result<void> TextVisitor::end_list() {
  (void)json_.end_list();
  if (depth_ > 0) return end_inner();
  if (range_) put_range();
  in_list_ = false;
  const Json list = json_.take();
  // The text would be read as JSON or as an empty list, or its ranges have too many integers to be read.
  const bool is_misread =
      text_.starts_with('[') || (text_.empty() && !list.empty()) || integers_ > InputVisitor::kMaxRange;
  if (needs_json_ || (is_misread && !for_people())) text_ = json_text(list);
  return {};
}

}  // namespace qomio
