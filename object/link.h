// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "qomio/object/internal/is_instance.h"
#include "qomio/object/internal/link_property.h"
#include "qomio/object/internal/weak_list.h"
#include "qomio/object/object.h"
#include "qomio/object/property.h"

// Links lead from one object to another. As properties (type link<T>) they are read and set as paths, "" for
// none:
//
//     StrongLink<IOThread> iothread_;  ...  klass.add(link("iothread", &TokenBucket::iothread_));
namespace qomio {

// Leads to a T without keeping it alive; empty once the T has been destroyed. Not copied. Thread: the main
// thread.
template <class T>
class WeakLink {
 public:
  using Target = T;
  T* get() const { return static_cast<T*>(node_.target()); }
  T* operator->() const { return get(); }
  explicit operator bool() const { return node_.target() != nullptr; }
  void assign(T* target, const Object& /*owner*/) { node_.lead_to(target); }

 private:
  internal::WeakNode node_;
};

// Keeps a T alive and holds it in the owner's name: object-del of the target is refused while the link is
// set, unless the owner is deleted with the target. The new target is referenced before the old one is
// released. Objects that hold each other in a ring live until one of these links is cleared. Not copied.
// Thread: the main thread.
template <class T>
class StrongLink {
 public:
  using Target = T;
  StrongLink() = default;
  StrongLink(const StrongLink&) = delete;
  StrongLink& operator=(const StrongLink&) = delete;

  T* get() const { return static_cast<T*>(hold_.object()); }
  T* operator->() const { return get(); }
  explicit operator bool() const { return hold_.object() != nullptr; }
  void assign(T* target, const Object& owner) {
    if (target != get()) hold_ = target ? static_cast<Object*>(target)->hold(owner) : Hold();
  }
  void reset() { hold_ = Hold(); }

 private:
  Hold hold_;
};

// Completes the declaration of a link; see PropertyBuilder.
template <class Class, class Field>
class LinkBuilder {
 public:
  using Target = typename Field::Target;

  LinkBuilder(std::string_view name, Field Class::* member) {
    internal::PropertyDeclaration declaration{
        .name = std::string(name), .type_name = "link<" + std::string(Target::type_info.name) + ">"};
    declaration.is_instance = internal::is_instance<Class>;
    property_ = std::make_unique<internal::MemberLink<Field>>(std::move(declaration),
                                                              static_cast<Field Object::*>(member));
  }
  LinkBuilder&& describe(std::string_view text) && {
    property_->declaration().description = text;
    return std::move(*this);
  }
  // Runs before the link is changed; an error refuses the target, which is null when the link is cleared.
  LinkBuilder&& check(Result<void> (Class::*allowed)(Target*)) && {
    property_->set_check([allowed](Object& owner, Object* target) {
      return (static_cast<Class&>(owner).*allowed)(static_cast<Target*>(target));
    });
    return std::move(*this);
  }
  LinkBuilder&& on_change(Result<void> (Class::*hook)()) && {
    property_->declaration().hook = static_cast<Property::Hook>(hook);
    return std::move(*this);
  }
  // Users can only read it; the object itself changes it by assign().
  LinkBuilder&& read_only() && {
    property_->set_read_only();
    return std::move(*this);
  }
  LinkBuilder&& with(Features features) && {
    property_->declaration().set_features(features);
    return std::move(*this);
  }
  LinkBuilder&& until_complete() && {
    property_->declaration().is_settable_after_complete = false;
    return std::move(*this);
  }
  operator std::unique_ptr<Property>() && { return std::move(property_); }

 private:
  std::unique_ptr<internal::LinkProperty> property_;
};

// A link as a property: `member` is a WeakLink<T> or a StrongLink<T>.
template <class Class, class Field>
auto link(std::string_view name, Field Class::* member) {
  static_assert(
      requires { typename Field::Target; },
      "link() takes a WeakLink<T> or StrongLink<T> member, not a pointer");
  if constexpr (requires { typename Field::Target; }) return LinkBuilder<Class, Field>(name, member);
}

// Gives `object` a property of its own that reads and sets `target_property` of `target`: one setting shown
// in two places. Type, description, default and range are those of the target's; a child<T> shows as a
// link<T>, which paths are followed through, too.
//
// The target isn't kept alive. Once it, or its property, has been destroyed, reading and setting are errors:
// `Property 't.x' is an alias of an object that no longer exists`, `Property 't.x' not found`.
//
// Errors: no such property of the target; a name that is taken; an alias of itself through others. A name
// that ends in "[*]" takes the first free number. Thread: the main thread.
Result<void> object_property_add_alias(Object& object, std::string_view name, Object& target,
                                       std::string_view target_property);

}  // namespace qomio
