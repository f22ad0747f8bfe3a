// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/input_visitor.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"

namespace qomio {

InputVisitor::InputVisitor(std::string&& text) : scalars_(Scalars::text) {
  root_text_ = keep(Json(std::move(text))).get_ref<const std::string&>();
}

const Json* InputVisitor::find(std::string_view name) {
  if (stack_.empty()) return root_;
  Frame& frame = stack_.back();
  if (frame.value->is_array()) return &(*frame.value)[frame.index - 1];
  const auto& members = frame.value->get_ref<const Json::object_t&>();
  // Begins at the member that was found last, since members mostly come in the order in which they are
  // visited.
  for (std::size_t tried = 0; tried < members.size(); ++tried) {
    const std::size_t i = (frame.index + tried) % members.size();
    const auto member = members.begin() + static_cast<std::ptrdiff_t>(i);
    if (member->first != name) continue;
    frame.seen[i] = true;
    frame.index = i;
    return &member->second;
  }
  return nullptr;
}

std::string InputVisitor::container_name() const {
  std::string path;
  for (const Frame& frame : stack_) {
    if (!path.empty() && !frame.name.empty()) path += '.';
    path += frame.name;  // empty for a list element, whose index is already there
    if (&frame != &stack_.back()) append_index(path, frame);
  }
  return path;
}

std::string InputVisitor::full_name(std::string_view name) const {
  std::string path = container_name();
  if (!stack_.empty()) append_index(path, stack_.back());
  if (!path.empty() && !name.empty()) path += '.';
  path += name;
  return path;
}

void InputVisitor::append_index(std::string& path, const Frame& frame) const {
  const bool is_text = scalars_ == Scalars::text && !frame.is_json;
  if (frame.value->is_array()) path += fmt::format(fmt::runtime(is_text ? ".{}" : "[{}]"), frame.index - 1);
}

// In JSON that was given as text, a string is still text to a value that is not a string.
bool InputVisitor::is_text(std::string_view name) {
  if (scalars_ != Scalars::text) return false;
  if (at_root_text()) return true;
  const Json* value = find(name);
  return value && value->is_string();
}

std::unexpected<Error> InputVisitor::no_list() const {
  return error("Invalid parameter type for '{}', expected: array", container_name());
}

Result<const Json*> InputVisitor::get(std::string_view name) {
  const Json* value = find(name);
  if (!value) return error("Parameter '{}' is missing", full_name(name));
  return value;
}

Result<std::string_view> InputVisitor::get_text(std::string_view name) {
  if (at_root_text()) return root_text_;
  auto value = get(name);
  if (!value) return failure(value);
  if (!(*value)->is_string()) {
    // On the command line, a scalar that is not a string was given by dotted keys below it.
    if (text()) return error("Parameters '{}.*' are unexpected", full_name(name));
    return wrong_kind(name, "string");
  }
  return std::string_view((*value)->get_ref<const std::string&>());
}

Result<std::string_view> InputVisitor::get_integer_text(std::string_view name, bool is_unsigned) {
  if (!stack_.empty() && stack_.back().is_split) {
    if (auto r = expand_ranges(stack_.back(), is_unsigned); !r) return failure(r);
  }
  return get_text(name);
}

namespace {

template <class T>
bool store(std::optional<T> parsed, T& value) {
  if (parsed) value = *parsed;
  return parsed.has_value();
}

}  // namespace

Result<void> InputVisitor::type_int64(std::string_view name, std::int64_t& value) {
  if (text()) {
    auto s = get_integer_text(name, false);
    if (!s) return failure(s);
    if (store(parse_int64(*s), value)) return {};
    return error("Parameter '{}' expects {}", full_name(name), "integer");
  }
  auto json = get(name);
  if (!json) return failure(json);
  const Json& j = **json;
  if (!j.is_number_integer()) return wrong_kind(name, "integer");
  if (j.is_number_unsigned()) {
    const auto u = j.get<std::uint64_t>();
    if (u > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return wrong_kind(name, "integer");
    }
    value = static_cast<std::int64_t>(u);
  } else {
    value = j.get<std::int64_t>();
  }
  return {};
}

Result<void> InputVisitor::type_uint64(std::string_view name, std::uint64_t& value) {
  if (text()) {
    auto s = get_integer_text(name, true);
    if (!s) return failure(s);
    const auto signed_value = wraps_negative() ? std::nullopt : parse_int64(*s);
    if ((!signed_value || *signed_value >= 0) && store(parse_uint64(*s), value)) return {};
    return error("Parameter '{}' expects {}", full_name(name), "integer");
  }
  auto json = get(name);
  if (!json) return failure(json);
  const Json& j = **json;
  if (!j.is_number_integer()) return error("Parameter '{}' expects uint64", full_name(name));
  if (!wraps_negative() && !j.is_number_unsigned() && j.get<std::int64_t>() < 0) {
    return error("Parameter '{}' expects uint64", full_name(name));
  }
  // Negative numbers wrap; QMP clients in languages without unsigned integers rely on this.
  value = j.is_number_unsigned() ? j.get<std::uint64_t>() : static_cast<std::uint64_t>(j.get<std::int64_t>());
  return {};
}

Result<void> InputVisitor::type_size(std::string_view name, std::uint64_t& value) {
  if (!text()) return type_uint64(name, value);
  auto s = get_text(name);
  if (!s) return failure(s);
  if (store(parse_size(*s), value)) return {};
  return error("Parameter '{}' expects {}", full_name(name), "size");
}

Result<void> InputVisitor::type_bool(std::string_view name, bool& value) {
  if (text()) {
    auto s = get_text(name);
    if (!s) return failure(s);
    if (store(parse_bool(*s), value)) return {};
    return error("Parameter '{}' expects {}", full_name(name), "'on' or 'off'");
  }
  auto json = get(name);
  if (!json) return failure(json);
  if (!(*json)->is_boolean()) return wrong_kind(name, "boolean");
  value = (*json)->get<bool>();
  return {};
}

Result<void> InputVisitor::type_number(std::string_view name, double& value) {
  if (text()) {
    auto s = get_text(name);
    if (!s) return failure(s);
    if (store(parse_number(*s), value)) return {};
    return error("Parameter '{}' expects {}", full_name(name), "a number");
  }
  auto json = get(name);
  if (!json) return failure(json);
  if (!(*json)->is_number()) return wrong_kind(name, "number");
  const auto number = (*json)->get<double>();
  // 1e999 is read as infinity, which JSON cannot hold, so the value could not be written again.
  if (!std::isfinite(number)) return error("Parameter '{}' expects a finite number", full_name(name));
  value = number;
  return {};
}

Result<void> InputVisitor::type_str(std::string_view name, std::string& value) {
  if (at_root_text()) {
    value = root_text_;
    return {};
  }
  auto s = get_text(name);
  if (!s) return failure(s);
  value = *s;
  return {};
}

Result<void> InputVisitor::type_any(std::string_view name, Json& value) {
  if (at_root_text()) {
    const Json* json = json_in(root_text_, '[');
    if (!json) json = json_in(root_text_, '{');
    value = json ? *json : Json(root_text_);
    return {};
  }
  auto json = get(name);
  if (!json) return failure(json);
  const Json* inner = nullptr;
  if (text() && (*json)->is_string() && (stack_.empty() || !stack_.back().is_split)) {
    const std::string_view s = (*json)->get_ref<const std::string&>();
    inner = json_in(s, '[');
    if (!inner) inner = json_in(s, '{');
  }
  const Json& read = inner ? *inner : **json;
  if (any_ == Any::json && !check_json(read, name)) {
    return error("Parameter '{}' expects finite numbers", full_name(name));
  }
  json_clear(value);
  json_copy(read, value);
  return {};
}

Result<void> InputVisitor::type_null(std::string_view name) {
  if (!text()) return Visitor::type_null(name);
  auto s = get_text(name);
  if (!s) return failure(s);
  if (*s != "null") return wrong_kind(name, "null");
  return {};
}

Result<JsonKind> InputVisitor::next_kind(std::string_view name) {
  if (at_root_text()) return JsonKind::string;
  auto json = get(name);
  if (!json) return failure(json);
  return json_kind(**json);
}

Result<void> InputVisitor::start_struct(std::string_view name) {
  const Json* object = nullptr;
  bool is_json = in_json();
  if (at_root_text()) {
    object = json_in(root_text_, '{');
    if (!object) return wrong_kind(name, "object");
    is_json = true;
  } else {
    if (!stack_.empty() && stack_.back().is_split) return no_list();
    auto json = get(name);
    if (!json) return failure(json);
    object = *json;
    if (text() && object->is_string()) {
      if (const Json* inner = json_in(object->get_ref<const std::string&>(), '{')) {
        object = inner;
        is_json = true;
      }
    }
    if (!object->is_object()) return wrong_kind(name, "object");
  }
  stack_.push_back({object, std::string(name), 0, std::vector<bool>(object->size()), false, is_json});
  return {};
}

const Json* InputVisitor::json_in(std::string_view text, char first) {
  if (!text.starts_with(first)) return nullptr;
  auto json = parse_json(text);
  return json ? &keep(std::move(*json)) : nullptr;
}

Result<void> InputVisitor::end_struct() {
  const Frame& frame = stack_.back();
  const auto& members = frame.value->get_ref<const Json::object_t&>();
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (frame.seen[i]) continue;
    return error("Parameter '{}' is unexpected",
                 full_name(members.begin()[static_cast<std::ptrdiff_t>(i)].first));
  }
  stack_.pop_back();
  return {};
}

bool InputVisitor::optional(std::string_view name, bool) { return find(name) != nullptr; }

bool InputVisitor::next_member(std::string& name) {
  const Frame& frame = stack_.back();
  const auto& members = frame.value->get_ref<const Json::object_t&>();
  const std::size_t next = members.empty() || !frame.seen[frame.index] ? frame.index : frame.index + 1;
  if (next >= members.size()) return false;
  name = members.begin()[static_cast<std::ptrdiff_t>(next)].first;
  return true;
}

namespace {

Json split_at_commas(std::string_view text) {
  Json items = Json::array();
  if (text.empty()) return items;
  for (;;) {
    const auto comma = text.find(',');
    items.push_back(std::string(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

// A range of integers, stored in two's complement.
struct Range {
  std::uint64_t first;
  std::uint64_t last;
  bool is_signed;  // both bounds were read as int64
  bool is_in_order;
};

std::optional<Range> parse_range(std::string_view text, bool is_unsigned) {
  const auto dash = text.find('-', text.find_first_not_of(" \t\n\v\f\r+-"));  // after blanks and a sign
  if (dash == std::string_view::npos) return std::nullopt;
  const auto from = text.substr(0, dash);
  const auto to = text.substr(dash + 1);
  const auto first = parse_int64(from);
  const auto last = parse_int64(to);
  if (first && last) {
    return Range{static_cast<std::uint64_t>(*first), static_cast<std::uint64_t>(*last), true,
                 *first <= *last};
  }
  if (!is_unsigned) return std::nullopt;
  const auto low = parse_uint64(from);
  const auto high = parse_uint64(to);
  if (!low || !high) return std::nullopt;
  return Range{*low, *high, false, *low <= *high};
}

}  // namespace

Result<void> InputVisitor::expand_ranges(Frame& list, bool is_unsigned) {
  list.is_split = false;
  Json elements = Json::array();
  for (const Json& item : *list.value) {
    const auto range = parse_range(item.get_ref<const std::string&>(), is_unsigned);
    if (range) {
      const auto distance = range->last - range->first;
      if (!range->is_in_order || distance >= kMaxRange) {
        return error("Parameter '{}' expects ranges of at most {} values, lowest first", container_name(),
                     kMaxRange);
      }
      for (std::uint64_t i = 0; i <= distance; ++i) {
        const std::uint64_t number = range->first + i;
        elements.push_back(range->is_signed ? std::to_string(static_cast<std::int64_t>(number))
                                            : std::to_string(number));
      }
    } else {
      elements.push_back(item);
    }
    if (elements.size() > kMaxRange) {
      return error("Parameter '{}' expects at most {} values", container_name(), kMaxRange);
    }
  }
  list.value = &keep(std::move(elements));
  return {};
}

Result<void> InputVisitor::start_list(std::string_view name) {
  if (!stack_.empty() && stack_.back().is_split) return no_list();
  const Json* list = nullptr;
  if (!at_root_text()) {
    auto json = get(name);
    if (!json) return failure(json);
    list = *json;
  }
  bool is_split = !list || (text() && list->is_string());
  bool is_json = in_json();
  if (is_split) {
    const std::string_view items = list ? std::string_view(list->get_ref<const std::string&>()) : root_text_;
    list = json_in(items, '[');
    if (list) {
      is_split = false;
      is_json = true;
    } else {
      list = &keep(split_at_commas(items));
    }
  }
  if (!list->is_array()) return wrong_kind(name, "array");
  stack_.push_back({list, std::string(name), 0, {}, is_split, is_json});
  return {};
}

bool InputVisitor::next_element() {
  Frame& frame = stack_.back();
  if (frame.index >= frame.value->size()) return false;
  ++frame.index;
  return true;
}

Result<void> InputVisitor::end_list() {
  stack_.pop_back();
  return {};
}

Result<void> internal::read_json(const Json& json, std::string_view name, Scalars scalars, VisitValue visit,
                                 void* value) {
  InputVisitor visitor(json, scalars);
  return visit(visitor, name, value);
}

}  // namespace qomio
