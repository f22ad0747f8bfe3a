// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "qomio/object/property.h"
#include "qomio/qapi/error.h"

namespace qomio::internal {

// A link as a property, whose value is a path, "" for none. current_target() and lead() read and set the
// link.
class LinkProperty : public Property {
 public:
  // Called before the link is changed; the target is null when the link is cleared.
  using Check = std::function<Result<void>(Object& owner, Object* target)>;

  LinkProperty(PropertyDeclaration declaration, std::string_view target_type)
      : Property(std::move(declaration)), target_type_(target_type) {}

  const TypeDescription& type() const final;
  bool is_writable() const final { return is_writable_; }
  Object* target(Object& object) const final { return current_target(object); }
  Result<void> get(Object& object, Visitor& visitor) const final;
  Result<void> assign(Object& object, Visitor& visitor) const final;
  Result<std::unique_ptr<PropertyChange>> stage(Object& object, Visitor& visitor) const final;

  // --- For LinkBuilder, until the property is added ---
  PropertyDeclaration& declaration() { return declaration_; }
  void set_check(Check check) { check_ = std::move(check); }
  void set_read_only() { is_writable_ = false; }

 protected:
  virtual Object* current_target(Object& owner) const = 0;
  virtual void lead(Object& owner, Object* target) const = 0;

 private:
  struct Change;
  std::string target_type_;
  Check check_;
  bool is_writable_ = true;
};

// `Field` is a WeakLink<T> or a StrongLink<T>.
template <class Field>
class MemberLink final : public LinkProperty {
 public:
  using Target = typename Field::Target;
  MemberLink(PropertyDeclaration declaration, Field Object::* member)
      : LinkProperty(std::move(declaration), Target::type_info.name), member_(member) {}

 private:
  Object* current_target(Object& owner) const override { return (owner.*member_).get(); }
  void lead(Object& owner, Object* target) const override {
    (owner.*member_).assign(static_cast<Target*>(target), owner);
  }
  Field Object::* member_;
};

}  // namespace qomio::internal
