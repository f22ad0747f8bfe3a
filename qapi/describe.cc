// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/describe.h"

#include <deque>
#include <mutex>

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

Result<void> internal::enum_from_text(std::string_view name, const std::string& text, const EnumValue* values,
                                      std::size_t count, std::size_t& index) {
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i].name == text) {
      index = i;
      return {};
    }
  }
  return error("Parameter '{}' does not accept value '{}'", or_null(name), text);
}

}  // namespace qomio
