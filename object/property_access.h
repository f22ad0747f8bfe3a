// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "qomio/object/object.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"

// Properties by name from C++, as plain values: no JSON, and no allocation for numbers. For values of other
// kinds see Object::get_property() and Object::set_property(). Thread: the main thread. Errors: those of
// Object; a property of another kind is `Invalid parameter type for 'x', expected: ...`.
namespace qomio {

Result<void> object_property_set_int(Object& object, std::string_view name, std::int64_t value);
Result<void> object_property_set_bool(Object& object, std::string_view name, bool value);
Result<void> object_property_set_str(Object& object, std::string_view name, std::string_view value);

Result<std::int64_t> object_property_get_int(Object& object, std::string_view name);
Result<bool> object_property_get_bool(Object& object, std::string_view name);
Result<std::string> object_property_get_str(Object& object, std::string_view name);

// An enum by its C++ value, whose name is what clients see. Errors of reading: also `Parameter 'x' does not
// accept value 'v'`, where the property is of another enum.
template <class E>
  requires std::is_enum_v<E>
Result<void> object_property_set_enum(Object& object, std::string_view name, E value) {
  return object.set_property(name, to_json(value));
}
template <class E>
  requires std::is_enum_v<E>
Result<E> object_property_get_enum(Object& object, std::string_view name) {
  auto value = object.get_property(name);
  if (!value) return failure(value);
  return from_json<E>(*value, name);
}

}  // namespace qomio
