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

// Links refer from one object to another. A property of type link<T> is read and set as the target's path, ""
// for none:
//
//     StrongLink<IOThread> iothread_;  ...  klass.add(link("iothread", &TokenBucket::iothread_));
namespace qomio {

// Points to a T without keeping it alive; becomes empty when the T is destroyed. Not copyable. Thread: the
// main thread.
template <class T>
class WeakLink {
 public:
  using Target = T;
  T* get() const { return static_cast<T*>(node_.target()); }
  T* operator->() const { return get(); }
  explicit operator bool() const { return node_.target() != nullptr; }
  void assign(T* target, const Object& /*owner*/) { node_.set_target(target); }

 private:
  internal::WeakNode node_;
};

// Keeps a T alive and adds the owner to its holders: object-del of the target is refused while the link is
// set, unless the owner is deleted with the target. assign() references the new target before it releases the
// old one. Objects that hold each other in a cycle live until one of these links is cleared. Not copyable.
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

// Builds the declaration of a link; see PropertyBuilder.
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
  // `allowed` is called before the link is changed; the target is null when the link is cleared. If it
  // returns an error, the link is not changed.
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
  // Users can only read the link; the object itself changes it with assign().
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

// Declares a link as a property. `member` is a WeakLink<T> or a StrongLink<T>.
template <class Class, class Field>
auto link(std::string_view name, Field Class::* member) {
  static_assert(
      requires { typename Field::Target; },
      "link() takes a WeakLink<T> or StrongLink<T> member, not a pointer");
  if constexpr (requires { typename Field::Target; }) return LinkBuilder<Class, Field>(name, member);
}

// Adds a property to `object` that reads and sets `target_property` of `target`, so that one setting appears
// in two places. Type, description, default and range are those of the target property. An alias of a
// child<T> has the type link<T>, and paths are followed through it.
//
// Does not keep the target alive. Once the target or its property has been destroyed, reading and setting
// fail with `Property 't.x' is an alias of an object that no longer exists` or `Property 't.x' not found`.
//
// Errors: the target has no such property; the name is taken; the alias would refer to itself through other
// aliases. If the name ends in "[*]", the first free number replaces the '*'. Thread: the main thread.
Result<void> object_property_add_alias(Object& object, std::string_view name, Object& target,
                                       std::string_view target_property);

}  // namespace qomio
