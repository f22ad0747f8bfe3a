// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "qomio/object/object.h"
#include "qomio/object/property.h"

// Links lead from one object to another. As properties (type link<T>) they are read and set as paths, "" for
// none:
//
//     HeldLink<IOThread> iothread_;  ...  klass.add(link("iothread", &TokenBucket::iothread_));
namespace qomio {

// Leads to an object without keeping it alive, and becomes empty when it goes. Not copied.
// Thread: the main thread.
class WeakLink {
 public:
  WeakLink() = default;
  WeakLink(const WeakLink&) = delete;
  WeakLink& operator=(const WeakLink&) = delete;
  ~WeakLink() { reset(); }

  Object* target() const { return target_; }
  void reset(Object* target = nullptr);

 private:
  Object* target_ = nullptr;
  WeakLink* next_ = nullptr;       // in the target's list of links to it
  WeakLink** previous_ = nullptr;  // what points to this one there
};

// A weak link to a T.
template <class T>
class Link {
 public:
  using Target = T;
  T* get() const { return static_cast<T*>(link_.target()); }
  T* operator->() const { return get(); }
  explicit operator bool() const { return get() != nullptr; }
  void assign(T* target, const Object&) { link_.reset(target); }

 private:
  WeakLink link_;
};

// The untyped part of HeldLink. Thread: the main thread.
class StrongLink {
 public:
  StrongLink(const StrongLink&) = delete;
  StrongLink& operator=(const StrongLink&) = delete;

  // In whose name the target is held; null once it is gone.
  const Object* owner() const { return owner_.target(); }
  // The owner's type and name; its type alone once it is gone.
  Holder holder() const;
  void reset();

 protected:
  StrongLink() = default;
  ~StrongLink() { reset(); }
  void assign(Object* target, const Object& owner);
  Object* target() const { return target_; }

 private:
  Object* target_ = nullptr;
  WeakLink owner_;
  const ObjectClass* owner_class_ = nullptr;
};

// A strong link to a T: keeps it alive, and holds it in the owner's name, so that object-del of the target is
// refused while the link is set, unless the owner is deleted with the target. The new target is referenced
// before the old one is released. Objects that hold each other in a ring live until one of these links is
// cleared.
template <class T>
class HeldLink : public StrongLink {
 public:
  using Target = T;
  T* get() const { return static_cast<T*>(target()); }
  T* operator->() const { return get(); }
  explicit operator bool() const { return target() != nullptr; }
  void assign(T* target, const Object& owner) { StrongLink::assign(target, owner); }
};

namespace detail {

// The object of the type at the path; null for "". Errors: `Path 'p' does not uniquely identify an object`;
// `Invalid parameter type for 'name', expected: T`; DeviceNotFound `Device 'p' not found`.
Result<Object*> resolve_link(std::string_view property, std::string_view path, std::string_view type_name);
Result<void> visit_link(std::string_view name, Visitor& visitor, const Object* target);

}  // namespace detail

template <class Class, class Field>
class LinkBuilder;

template <class Class, class Field>
class LinkProperty final : public Property {
 public:
  using Target = typename Field::Target;
  using Check = Result<void> (Class::*)(Target*);

  LinkProperty(std::string_view name, Field Class::* member)
      : Property(name, "link<" + std::string(Target::type_info.name) + ">"), member_(member) {}

  const TypeDescription& type() const override { return builtin_type("str"); }
  bool is_writable() const override { return writable_; }
  bool fits(const Object& object) const override { return detail::is_instance<Class>(object); }
  Object* target(Object& object) const override { return (static_cast<Class&>(object).*member_).get(); }

  Result<void> get(Object& object, Visitor& visitor) const override {
    check_class(object);
    return detail::visit_link(name_, visitor, target(object));
  }

  Result<void> assign(Object& object, Visitor& visitor) const override {
    auto change = stage(object, visitor);
    if (!change) return failure(change);
    if (auto r = (*change)->check(); !r) return r;
    return (*change)->apply();
  }

  Result<std::unique_ptr<PropertyChange>> stage(Object& object, Visitor& visitor) const override {
    check_class(object);
    std::string path;
    if (auto r = visitor.type_str(name_, path); !r) return failure(r);
    return std::make_unique<Change>(*this, static_cast<Class&>(object), std::move(path));
  }

 private:
  friend class LinkBuilder<Class, Field>;

  struct Change final : PropertyChange {
    Change(const LinkProperty& p, Class& o, std::string t) : property(p), self(o), path(std::move(t)) {}
    Result<void> check() override {
      auto resolved = detail::resolve_link(property.name_, path, Target::type_info.name);
      if (!resolved) return failure(resolved);
      if (*resolved) next = Ref<Target>(static_cast<Target&>(**resolved));
      const Check allowed = property.check_;
      if (!allowed) return {};
      return callback("check of property", property.name_, [&] { return (self.*allowed)(next.get()); });
    }
    Result<void> apply() override {
      auto& field = self.*property.member_;
      if (field) old = Ref<Target>(*field.get());
      field.assign(next.get(), self);
      return {};
    }
    void revert() override { (self.*property.member_).assign(old.get(), self); }
    const LinkProperty& property;
    Class& self;
    std::string path;
    Ref<Target> next;
    Ref<Target> old;
  };

  Field Class::* member_;
  Check check_ = nullptr;
  bool writable_ = true;
};

// What may be said of a link; see PropertyBuilder.
template <class Class, class Field>
class LinkBuilder {
 public:
  using Declared = LinkProperty<Class, Field>;
  explicit LinkBuilder(std::unique_ptr<Declared> property) : property_(std::move(property)) {}
  LinkBuilder&& describe(std::string_view text) && {
    property_->description_ = text;
    return std::move(*this);
  }
  // Runs before the link is switched; an error refuses the target, which is null when the link is cleared.
  LinkBuilder&& check(typename Declared::Check allowed) && {
    property_->check_ = allowed;
    return std::move(*this);
  }
  LinkBuilder&& on_change(Result<void> (Class::*hook)()) && {
    property_->hook_ = static_cast<Property::Hook>(hook);
    return std::move(*this);
  }
  // For show: only the object itself leads it elsewhere, by assign().
  LinkBuilder&& read_only() && {
    property_->writable_ = false;
    return std::move(*this);
  }
  LinkBuilder&& with(Features features) && {
    if (features.too_many()) property_->mistake_ = "has more features than there is room for";
    property_->features_.assign(features.begin(), features.end());
    return std::move(*this);
  }
  LinkBuilder&& until_complete() && {
    property_->live_ = false;
    return std::move(*this);
  }
  operator std::unique_ptr<Property>() && { return std::move(property_); }

 private:
  std::unique_ptr<Declared> property_;
};

// A link as a property: `member` is a Link<T> or a HeldLink<T>.
template <class Class, class Field>
auto link(std::string_view name, Field Class::* member) {
  static_assert(
      requires { typename Field::Target; }, "link() takes a Link<T> or a HeldLink<T> member, not a pointer");
  if constexpr (requires { typename Field::Target; }) {
    return LinkBuilder<Class, Field>(std::make_unique<LinkProperty<Class, Field>>(name, member));
  }
}

}  // namespace qomio
