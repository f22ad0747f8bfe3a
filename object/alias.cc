// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/alias.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "qomio/object/link.h"
#include "qomio/object/property.h"

namespace qomio {
namespace {

// Named in messages as the property that the caller asked for. Looked up at each use: the target may change
// its own properties at any time.
class AliasProperty final : public Property {
 public:
  AliasProperty(std::string_view name, std::string type_name, Object& target,
                std::string_view target_property)
      : Property(name, std::move(type_name)), target_name_(target_property) {
    target_.reset(&target);
    if (const Property* aliased = this->aliased()) {
      description_ = aliased->description();
      default_ = aliased->default_value();
      minimum_ = aliased->minimum();
      maximum_ = aliased->maximum();
      features_ = aliased->features();
    }
  }

  const TypeDescription& type() const override {
    const Property* aliased = this->aliased();
    return aliased ? aliased->type() : builtin_type("str");
  }
  bool is_readable() const override {
    const Property* aliased = this->aliased();
    return !aliased || aliased->is_readable();
  }
  bool is_writable() const override {
    const Property* aliased = this->aliased();
    return aliased ? aliased->is_writable() : !target_.target();  // a lost target says so itself
  }

  Result<void> get(Object& object, Visitor& visitor) const override {
    if (!target_.target()) return gone(object);
    return target_.target()->get_property(target_name_, visitor);
  }
  Result<void> assign(Object& object, Visitor& visitor) const override {
    if (!target_.target()) return gone(object);
    return target_.target()->set_property(target_name_, visitor);
  }
  Result<std::unique_ptr<PropertyChange>> stage(Object& object, Visitor& visitor) const override {
    if (!target_.target()) return gone(object);
    auto property = target_.target()->settable_property(target_name_);
    if (!property) return failure(property);
    auto inner = (*property)->stage(*target_.target(), visitor);
    if (!inner) return inner;
    return std::make_unique<Change>(*target_.target(), (*property)->on_change(), std::move(*inner));
  }
  Object* target(Object& /*object*/) const override {
    if (!target_.target()) return nullptr;
    if (const Property* aliased = this->aliased()) return aliased->target(*target_.target());
    return target_.target()->child(target_name_);
  }

  // Is `wanted` what this stands for, directly or through other aliases? Of itself it can be when a property
  // that others stand for was deleted, and comes back as an alias.
  bool leads_to(const Property& wanted) const {
    const auto* next = dynamic_cast<const AliasProperty*>(aliased());
    return next && (next == &wanted || next->leads_to(wanted));
  }

 private:
  // A change of the target among changes of the object that has the alias: it brings its own hook.
  struct Change final : PropertyChange {
    Change(Object& t, Hook h, std::unique_ptr<PropertyChange> i) : target(t), hook(h), inner(std::move(i)) {}
    Result<void> check() override { return inner->check(); }
    Result<void> apply() override {
      if (auto r = inner->apply(); !r || !hook) return r;
      auto changed = ((*target).*hook)();
      if (!changed) revert();
      return changed;
    }
    void revert() override {
      inner->revert();
      if (hook) (void)((*target).*hook)();
    }
    Ref<Object> target;
    Hook hook;
    std::unique_ptr<PropertyChange> inner;
  };

  const Property* aliased() const {
    return target_.target() ? target_.target()->find_property(target_name_) : nullptr;
  }
  std::unexpected<Error> gone(const Object& object) const {
    return error("Property '{}.{}' is an alias of an object that is gone", object.type_name(), name_);
  }

  WeakLink target_;
  std::string target_name_;
};

}  // namespace

Result<void> object_property_add_alias(Object& object, std::string_view name, Object& target,
                                       std::string_view target_property) {
  std::string type_name;
  if (const Property* aliased = target.find_property(target_property)) {
    type_name = aliased->type_name();
  } else if (const Object* child = target.child(target_property)) {
    type_name = fmt::format("link<{}>", child->type_name());
  } else {
    return error("Property '{}.{}' not found", target.type_name(), target_property);
  }
  auto alias = std::make_unique<AliasProperty>(name, std::move(type_name), target, target_property);
  const AliasProperty& added = *alias;
  if (auto r = object.add_property(std::move(alias)); !r) return r;
  if (!added.leads_to(added)) return {};
  const std::string full_name = added.name();
  (void)object.delete_property(full_name);
  return error("'{}' would be an alias of itself", full_name);
}

}  // namespace qomio
