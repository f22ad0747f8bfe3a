// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/describe.h"

#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace qomio {

TypeDescription internal::describe_enum(std::string_view name, std::span<const EnumValue> values) {
  TypeDescription d = enum_type(name, {});
  for (const EnumValue& value : values) {
    d.values.emplace_back(value.name);
    if (value.description.empty() && value.features.begin() == value.features.end()) continue;
    d.notes[std::string(value.name)] = {std::string(value.description),
                                        {value.features.begin(), value.features.end()}};
  }
  return d;
}

const TypeDescription& internal::describe_once(const TypeDescription*& place, TypeDescription (*make)(),
                                               void (*fill)(TypeDescription&)) {
  static std::recursive_mutex mutex;
  // Never destroyed: destructors of static objects may use them.
  static auto& descriptions = *new std::deque<TypeDescription>;
  const std::scoped_lock lock(mutex);
  if (place) return *place;
  TypeDescription made = make();
  if (place) return *place;  // described by make(), as a part of one of its own parts
  TypeDescription& stored = descriptions.emplace_back(std::move(made));
  place = &stored;
  if (fill) fill(stored);
  return stored;
}

Result<std::size_t> internal::enum_index(std::string_view name, std::string_view text,
                                         std::span<const EnumValue> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].name == text) return i;
  }
  return error("Parameter '{}' does not accept value '{}'", or_null(name), text);
}

std::unexpected<Error> internal::refused(const Visitor& visitor, std::string_view name, Error error) {
  error.prepend("Parameter '" + std::string(or_null(visitor.full_name(name))) + "' ");
  return std::unexpected(std::move(error));
}

Result<bool> internal::next_is_null(Visitor& visitor, std::string_view name) {
  if (visitor.is_text(name)) {
    std::string text;
    if (auto r = visitor.type_str(name, text); !r) return failure(r);
    return text == "null";
  }
  auto kind = visitor.next_kind(name);
  if (!kind) return failure(kind);
  if (*kind != JsonKind::null) return false;
  if (auto r = visitor.type_null(name); !r) return failure(r);
  return true;
}

TypeDescription internal::named_type(std::string_view name, const TypeDescription& wire) {
  TypeDescription d = wire;
  d.name = name;
  return d;
}

TypeDescription internal::optional_type(const TypeDescription& value) {
  auto alternatives =
      value.kind == TypeDescription::Kind::alternate ? value.alternatives : std::vector{&value};
  alternatives.push_back(&builtin_type("null"));
  return alternate_type(value.name + " or null", std::move(alternatives));
}

}  // namespace qomio
