// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/object_new.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "qomio/object/internal/class_data.h"
#include "qomio/object/internal/global_list.h"
#include "qomio/object/internal/object_access.h"
#include "qomio/object/internal/property_batch.h"
#include "qomio/object/internal/scalar_visitor.h"
#include "qomio/object/property.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

Result<Ref<Object>> instantiate(const ObjectClass& klass) {
  internal::ClassData& data = klass.data();
  if (klass.is_abstract() || klass.is_interface()) return error("object type '{}' is abstract", klass.name());
  if (!data.info.create)
    return error("type '{}' can't be instantiated: its TypeInfo has no .create", klass.name());
  auto object =
      Ref<Object>::adopt(callback("constructor of type", klass.name(), [&] { return data.info.create(); }));
  if (!object) return error("the .create of type '{}' returned no object", klass.name());
  if (!data.checked_instance) [[unlikely]] {
    if (auto r = data.check_instance(klass, *object); !r) return failure(r);
  }
  internal::ObjectAccess::set_class(*object, klass);
  for (const Property* property : data.with_default) {
    if (auto r = property->assign_default(*object); !r) {
      r.error().prepend(fmt::format("type '{}' has a default that it refuses: ", klass.name()));
      return failure(r);
    }
  }
  for (const auto hook : data.init_hooks)
    callback("instance_init of type", klass.name(), [&] { hook(*object); });
  if (auto r = internal::apply_global_defaults(*object); !r) return failure(r);
  for (const auto hook : data.post_init_hooks) {
    callback("instance_post_init of type", klass.name(), [&] { hook(*object); });
  }
  return object;
}

Result<void> set_all(Object& object, const Json& values, const std::function<Scalars(const Json&)>& scalars) {
  require_main_thread("object_set_props()");
  internal::PropertyBatch batch(object);
  for (const auto& [name, value] : values.items()) {
    auto property = object.settable_property(name);
    if (!property) return failure(property);
    batch.add(**property, value, scalars(value));
  }
  if (auto r = batch.move_write_only_last(); !r) return r;
  if (auto r = batch.read(); !r) return r;
  if (auto r = batch.check(); !r) return r;
  return batch.apply();
}

template <class T>
Result<void> set(Object& object, std::string_view name, T value) {
  internal::ScalarVisitor<T> visitor(true, std::move(value));
  return object.set_property(name, visitor);
}

template <class T>
Result<T> get(Object& object, std::string_view name) {
  internal::ScalarVisitor<T> visitor(false, T{});
  if (auto r = object.get_property(name, visitor); !r) return failure(r);
  return std::move(visitor.value());
}

}  // namespace

Result<Ref<Object>> object_new(std::string_view type_name) {
  auto klass = object_class_by_name(type_name);
  if (!klass) return failure(klass);
  return object_new(**klass);
}

Result<Ref<Object>> object_new(const ObjectClass& object_class) {
  require_main_thread("object_new()");
  return instantiate(object_class);
}

Result<void> object_set_props(Object& object, const Json& values, Scalars scalars) {
  return set_all(object, values, [scalars](const Json&) { return scalars; });
}

Result<void> object_set_props(Object& object, std::initializer_list<PropertyArgument> properties) {
  Json values = Json::object();
  for (const PropertyArgument& given : properties) {
    Json& value = values[std::string(given.name)];
    std::visit([&](auto scalar) { value = Json(scalar); }, given.value);
  }
  return set_all(object, values,
                 [](const Json& value) { return value.is_string() ? Scalars::text : Scalars::typed; });
}

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

Result<std::string> internal::get_enum_text(Object& object, std::string_view name) {
  const auto value = object.get_property(name);
  if (!value) return std::unexpected(value.error());
  return from_json<std::string>(*value, name);
}

}  // namespace qomio
