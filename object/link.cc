// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/link.h"

#include "qomio/object/tree.h"
#include "qomio/qapi/describe.h"

namespace qomio::internal {
namespace {

// Returns the object at the path, which must be of the type; null for "". Errors:
// `Path 'p' does not uniquely identify an object`; `Invalid parameter type for 'name', expected: T`;
// DeviceNotFound `Device 'p' not found`.
Result<Object*> resolve(std::string_view property, std::string_view path, std::string_view type_name) {
  if (path.empty()) return nullptr;
  const Resolved typed = object_resolve_path_type(path, type_name);
  if (typed.ambiguous) return error("Path '{}' does not uniquely identify an object", path);
  if (typed.object) return typed.object;
  const Resolved any = object_resolve_path(path);
  if (any.object || any.ambiguous) {
    return error("Invalid parameter type for '{}', expected: {}", property, type_name);
  }
  return error(ErrorClass::DeviceNotFound, "Device '{}' not found", path);
}

}  // namespace

struct LinkProperty::Change final : PropertyChange {
  Change(const LinkProperty& p, Object& o) : property(p), owner(o) {}
  Result<void> check() override {
    auto resolved = resolve(property.name(), path, property.target_type_);
    if (!resolved) return failure(resolved);
    if (*resolved) next = Ref<Object>(**resolved);
    if (!property.check_) return {};
    return callback("check of property", property.name(), [&] { return property.check_(owner, next.get()); });
  }
  Result<void> apply() override {
    if (Object* present = property.current_target(owner)) old = Ref<Object>(*present);
    property.lead(owner, next.get());
    return {};
  }
  void revert() override { property.lead(owner, old.get()); }
  const LinkProperty& property;
  Object& owner;
  std::string path;
  Ref<Object> next;
  Ref<Object> old;
};

const TypeDescription& LinkProperty::type() const { return builtin_type("str"); }

Result<void> LinkProperty::get(Object& object, Visitor& visitor) const {
  check_class(object);
  const Object* current = current_target(object);
  std::string path = current ? current->path().value_or("") : "";
  return visitor.type_str(name(), path);
}

Result<void> LinkProperty::assign(Object& object, Visitor& visitor) const {
  auto change = stage(object, visitor);
  if (!change) return failure(change);
  if (auto r = (*change)->check(); !r) return r;
  return (*change)->apply();
}

Result<std::unique_ptr<PropertyChange>> LinkProperty::stage(Object& object, Visitor& visitor) const {
  check_class(object);
  auto change = std::make_unique<Change>(*this, object);
  if (auto r = visitor.type_str(name(), change->path); !r) return failure(r);
  return change;
}

}  // namespace qomio::internal
