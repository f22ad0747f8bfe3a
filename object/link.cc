// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/link.h"

#include "qomio/object/tree.h"

namespace qomio {

void StrongLink::assign(Object* target, const Object& owner) {
  if (target == target_) return;
  if (!target) return reset();
  target->hold_by_link(*this);
  owner_class_ = owner.class_;
  owner_.reset(owner.ending_ ? nullptr : const_cast<Object*>(&owner));
  if (Object* old = std::exchange(target_, target)) old->give_back_link(*this);
}

void StrongLink::reset() {
  owner_.reset();
  if (Object* old = std::exchange(target_, nullptr)) old->give_back_link(*this);
}

Holder StrongLink::holder() const {
  return {owner_class_ ? owner_class_->name() : std::string(), owner() ? owner()->name() : std::string()};
}

Result<Object*> detail::resolve_link(std::string_view property, std::string_view path,
                                     std::string_view type_name) {
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

Result<void> detail::visit_link(std::string_view name, Visitor& visitor, const Object* target) {
  std::string path = target ? object_get_canonical_path(*target).value_or("") : "";
  return visitor.type_str(name, path);
}

}  // namespace qomio
