// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <deque>
#include <utility>

#include "qomio/object/internal/object_access.h"
#include "qomio/object/internal/observers.h"
#include "qomio/object/internal/weak_list.h"
#include "qomio/object/link.h"
#include "qomio/object/object.h"
#include "qomio/object/property.h"

namespace qomio {
namespace {

// Looks its target property up at each use, because the target may change its own properties at any time.
// Errors name the property of the target, not the alias, unless the target has been destroyed.
class AliasProperty final : public Property {
 public:
  AliasProperty(std::string_view name, std::string type_name, Object& target,
                std::string_view target_property)
      : Property({.name = std::string(name), .type_name = std::move(type_name)}),
        target_name_(target_property) {
    target_.set_target(&target);
    declaration_.is_alias = true;
    if (const Property* aliased = this->aliased()) {
      declaration_.description = aliased->description();
      declaration_.features = aliased->features();
      declaration_.has_default = aliased->has_default();
    }
  }

  const TypeDescription& type() const override {
    const Property* last = end().property;
    return last ? last->type() : builtin_type("str");
  }
  bool is_readable() const override {
    const Property* last = end().property;
    return !last || last->is_readable();
  }
  bool is_writable() const override {
    const End last = end();
    // If the target has been destroyed, assign() reports that.
    return last.property ? last.property->is_writable() : !last.object;
  }
  void visit_limit(Limit limit, Visitor& visitor) const override {
    if (const Property* last = end().property) last->visit_limit(limit, visitor);
  }

  Result<void> get(Object& object, Visitor& visitor) const override {
    const End last = end(&object);
    if (!last.object) return last.gone();
    return last.object->get_property(last.name(), visitor);
  }
  Result<void> assign(Object& object, Visitor& visitor) const override {
    auto change = stage(object, visitor);
    if (!change) return failure(change);
    if (auto r = (*change)->check(); !r) return r;
    if (auto r = (*change)->apply(); !r) return r;
    (*change)->report();
    return {};
  }
  Result<std::unique_ptr<PropertyChange>> stage(Object& object, Visitor& visitor) const override {
    const End last = end(&object);
    if (!last.object) return last.gone();
    auto property = last.object->settable_property(last.name());
    if (!property) return failure(property);
    auto inner = (*property)->stage(*last.object, visitor);
    if (!inner) return inner;
    return std::make_unique<Change>(*this, *last.object, **property, std::move(*inner));
  }
  Object* target(Object& /*object*/) const override {
    const End last = end();
    if (last.property) return last.property->target(*last.object);
    return last.object ? last.object->child(last.name()) : nullptr;
  }
  const Property* aliased(Object*& object) const override {
    const End last = end();
    object = last.object;
    return last.property;
  }

  // Whether the alias refers to itself through other aliases. Possible if a property that has aliases was
  // deleted and is added again as an alias.
  bool is_ring() const {
    const AliasProperty* at = next();
    while (at && at != this) at = at->next();
    return at == this;
  }

 private:
  // The end of a chain of aliases, which is found without recursion, because chains may be long.
  struct End {
    const AliasProperty* alias = nullptr;  // the last one of the chain
    const Object* owner = nullptr;         // of that alias
    Object* object = nullptr;              // target of that alias; null if destroyed
    const Property* property = nullptr;    // of the target; null if it was deleted, or is a child
    const std::string& name() const { return alias->target_name_; }
    std::unexpected<Error> gone() const {
      return error("Property '{}.{}' is an alias of an object that no longer exists", owner->type_name(),
                   alias->name());
    }
  };
  End end(const Object* owner = nullptr) const {
    const AliasProperty* last = this;
    while (const AliasProperty* further = last->next()) {
      owner = last->target_.target();
      last = further;
    }
    return {last, owner, last->target_.target(), last->aliased()};
  }
  // The alias that this alias refers to; null if it does not refer to an alias.
  const AliasProperty* next() const { return dynamic_cast<const AliasProperty*>(aliased()); }
  const Property* aliased() const {
    return target_.target() ? target_.target()->find_property(target_name_) : nullptr;
  }

  // A change of the target's property. Runs the target's hook itself, because the caller runs only hooks of
  // the object that has the alias.
  struct Change final : PropertyChange {
    Change(const AliasProperty& a, Object& t, const Property& p, std::unique_ptr<PropertyChange> i)
        : alias(a), target(t), use(t), property(p), inner(std::move(i)) {}
    Result<void> check() override { return inner->check(); }
    Result<void> apply() override {
      if (is_old_value_wanted()) old = internal::read_old_value(target, property);
      if (auto r = inner->apply(); !r || !property.on_change()) return r;
      auto changed = property.run_hook(target);
      if (!changed) revert();
      return changed;
    }
    void revert() override {
      inner->revert();
      if (property.on_change()) (void)property.run_hook(target);
    }
    // Reports the change for each property that the alias refers to, directly or through others, the target's
    // first.
    void report() override {
      inner->report();
      struct Set {
        Set(Object& o, const Property& p) : object(o), use(o), property(p) {}
        Object& object;
        PropertyUse use;
        const Property& property;
      };
      std::deque<Set> set;
      for (const AliasProperty* at = &alias; at; at = at->next()) {
        if (const Property* next = at->aliased()) set.emplace_front(*at->target_.target(), *next);
      }
      for (const Set& one : set)
        internal::ObjectAccess::property_was_set(one.object, one.property, old.get());
    }
    // Whether an observer wants the old value under one of the names that report() reports.
    bool is_old_value_wanted() const {
      for (const AliasProperty* at = &alias; at; at = at->next()) {
        const Property* next = at->aliased();
        if (next && internal::is_old_value_wanted(*at->target_.target(), *next)) return true;
      }
      return false;
    }
    const AliasProperty& alias;
    Object& target;
    const PropertyUse use;
    const Property& property;
    std::unique_ptr<PropertyChange> inner;
    internal::OldValue old;
  };

  internal::WeakNode target_;
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
  if (!added.is_ring()) return {};
  const std::string full_name = added.name();
  (void)object.delete_property(full_name);
  return error("'{}' would be an alias of itself", full_name);
}

}  // namespace qomio
