// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "qomio/object/object.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/visitor.h"

// Functions that make objects, and set and read their properties, from C++. Thread: the main thread.
namespace qomio {

// Makes an object of a type, with one reference, outside the tree. Errors: those of object_class_by_name();
// `object type 'x' is abstract`; an object whose C++ class contradicts its TypeInfo; a global default or a
// property's default that the object refuses.
Result<Ref<Object>> object_new(std::string_view type_name);
// The same without looking the type up.
Result<Ref<Object>> object_new(const ObjectClass& object_class);

// A property and a value for it. Text is converted as on a command line; numbers and flags are set unchanged.
// The strings are not copied.
struct PropertyArgument {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, bool, double> value;
};

// Sets several properties, all or none: reads and checks all values, then stores them, then calls each
// on_change hook once. After an error the old values are restored. `values` is a JSON object; its order is
// kept. The old value of a write-only property cannot be restored, so that property is set after the hooks,
// and setting two of them is an error.
Result<void> object_set_props(Object& object, const Json& values, Scalars scalars = Scalars::typed);
Result<void> object_set_props(Object& object, std::initializer_list<PropertyArgument> properties);

// Sets or returns one property by name, as a plain value: without JSON and, for numbers, without allocation.
// For values of other types see Object::get_property() and Object::set_property(). Errors: those of Object;
// for a property of another type `Invalid parameter type for 'x', expected: ...`.
Result<void> object_property_set_int(Object& object, std::string_view name, std::int64_t value);
Result<void> object_property_set_bool(Object& object, std::string_view name, bool value);
Result<void> object_property_set_str(Object& object, std::string_view name, std::string_view value);

Result<std::int64_t> object_property_get_int(Object& object, std::string_view name);
Result<bool> object_property_get_bool(Object& object, std::string_view name);
Result<std::string> object_property_get_str(Object& object, std::string_view name);

// Sets or returns an enum by its C++ value; clients see the value's name. Errors of reading: also
// `Parameter 'x' does not accept value 'v'`, if the property has another enum type.
template <class E>
  requires std::is_enum_v<E>
Result<void> object_property_set_enum(Object& object, std::string_view name, E value);
template <class E>
  requires std::is_enum_v<E>
Result<E> object_property_get_enum(Object& object, std::string_view name);

namespace internal {
// Reads a property whose JSON value is a string.
Result<std::string> get_enum_text(Object& object, std::string_view name);
}  // namespace internal

template <class E>
  requires std::is_enum_v<E>
Result<void> object_property_set_enum(Object& object, std::string_view name, E value) {
  return object_property_set_str(object, name, enum_name(value));
}

template <class E>
  requires std::is_enum_v<E>
Result<E> object_property_get_enum(Object& object, std::string_view name) {
  auto text = internal::get_enum_text(object, name);
  if (!text) return failure(text);
  auto index = internal::enum_index(name, *text, enum_description<E>.values);
  if (!index) return failure(index);
  return enum_description<E>.enumerators[*index];
}

}  // namespace qomio
