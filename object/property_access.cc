// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/property_access.h"

#include "qomio/object/internal/scalar_visitor.h"

namespace qomio {
namespace {

template <class T>
Result<void> set(Object& object, std::string_view name, T value) {
  detail::ScalarVisitor<T> visitor(true, std::move(value));
  return object.set_property(name, visitor);
}

template <class T>
Result<T> get(Object& object, std::string_view name) {
  detail::ScalarVisitor<T> visitor(false, T{});
  if (auto r = object.get_property(name, visitor); !r) return failure(r);
  return std::move(visitor.value());
}

}  // namespace

Result<void> object_property_set_int(Object& object, std::string_view name, std::int64_t value) {
  return set(object, name, value);
}
Result<void> object_property_set_bool(Object& object, std::string_view name, bool value) {
  return set(object, name, value);
}
Result<void> object_property_set_str(Object& object, std::string_view name, std::string_view value) {
  return set(object, name, std::string(value));
}

Result<std::int64_t> object_property_get_int(Object& object, std::string_view name) {
  return get<std::int64_t>(object, name);
}
Result<bool> object_property_get_bool(Object& object, std::string_view name) {
  return get<bool>(object, name);
}
Result<std::string> object_property_get_str(Object& object, std::string_view name) {
  return get<std::string>(object, name);
}

}  // namespace qomio
