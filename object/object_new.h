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

// Making objects, and setting and reading their properties from C++. Thread: the main thread.
namespace qomio {

// Makes an object of a type, with one reference, outside the tree. Errors: those of object_class_by_name();
// `object type 'x' is abstract`; a C++ class that is not what its TypeInfo says; a global default, or the
// default of a property, that the object refuses.
Result<Ref<Object>> object_new(std::string_view type_name);
// The same without looking the type up.
Result<Ref<Object>> object_new(const ObjectClass& object_class);

// A property and a value for it. Text is converted as on a command line; numbers and flags are set as they
// are. The text is not copied.
struct PropertyArgument {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, bool, double> value;
};

// Sets several properties, all or none: every value is read and checked first, then all are stored, then each
// on_change hook runs once; an error puts everything back. `values` is an object; its order is kept. A
// property that can't be read can't be put back: it is set after the hooks, and two of them are refused.
Result<void> object_set_props(Object& object, const Json& values, Scalars scalars = Scalars::typed);
Result<void> object_set_props(Object& object, std::initializer_list<PropertyArgument> properties);

// One property by name, as a plain value: no JSON, and no allocation for numbers. For values of other kinds
// see Object::get_property() and Object::set_property(). Errors: those of Object; a property of another kind
// is `Invalid parameter type for 'x', expected: ...`.
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
Result<void> object_property_set_enum(Object& object, std::string_view name, E value);
template <class E>
  requires std::is_enum_v<E>
Result<E> object_property_get_enum(Object& object, std::string_view name);

namespace internal {
// Of a property whose value is a string where it is JSON.
Result<std::string> get_enum_text(Object& object, std::string_view name);
}  // namespace internal

template <class E>
  requires std::is_enum_v<E>
Result<void> object_property_set_enum(Object& object, std::string_view name, E value) {
  const auto& values = enum_description<E>.values;
  const auto index = static_cast<std::size_t>(value);
  invariant(index < values.size(), "an enum has a value that its description does not name");
  return object_property_set_str(object, name, values[index].name);
}

template <class E>
  requires std::is_enum_v<E>
Result<E> object_property_get_enum(Object& object, std::string_view name) {
  auto text = internal::get_enum_text(object, name);
  if (!text) return failure(text);
  const auto& values = enum_description<E>.values;
  std::size_t index = 0;
  auto r = internal::enum_from_text(name, *text, values.data(), values.size(), index);
  if (!r) return failure(r);
  return static_cast<E>(index);
}

}  // namespace qomio
