// SPDX-License-Identifier: GPL-2.0-or-later
// The properties of an object: those of its class and its own.
#include "qomio/object/object.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "qomio/object/internal/class_data.h"
#include "qomio/object/internal/object_data.h"
#include "qomio/object/internal/observers.h"
#include "qomio/object/property.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/json.h"

namespace qomio {

const Property* Object::find_property(std::string_view name) const {
  if (const Property* property = class_->find_property(name)) return property;
  if (data_) {
    for (const auto& own : data_->properties) {
      if (own.property->name() == name) return own.property.get();
    }
  }
  return nullptr;
}

Result<void> Object::add_property(std::unique_ptr<Property> property, std::function<void(Object&)> release) {
  require_main_thread("Object::add_property()");
  if (!property->mistake().empty()) {
    return error("Property '{}.{}' {}", type_name(), property->name(), property->mistake());
  }
  auto name = take_name(property->name());
  if (!name) return failure(name);
  property->rename(std::move(*name));
  data().properties.push_back({std::move(property), std::move(release)});
  return {};
}

Result<void> Object::delete_property(std::string_view name) {
  require_main_thread("Object::delete_property()");
  if (data_) {
    auto& own = data_->properties;
    const auto it =
        std::ranges::find(own, name, [](const auto& o) -> std::string_view { return o.property->name(); });
    if (it != own.end()) {
      auto gone = std::move(*it);
      own.erase(it);
      forget_set(*gone.property);
      release_number(gone.property->name());
      if (uses_.load(std::memory_order_relaxed) > 0) {
        data_->deleted.push_back(std::move(gone));
      } else {
        gone.run_release(*this);
      }
      return {};
    }
  }
  return error("Property '{}.{}' not found", type_name(), name);
}

std::vector<PropertyView> Object::property_views() const {
  std::vector<PropertyView> views;
  for (const Object* child = first_child_; child; child = child->next_sibling_) {
    views.push_back({child->name_, fmt::format("child<{}>", child->type_name())});
  }
  for (const Property* property : class_->properties())
    views.push_back({property->name(), property->type_name()});
  if (data_) {
    for (const auto& own : data_->properties)
      views.push_back({own.property->name(), own.property->type_name()});
  }
  return views;
}

Result<void> Object::get_property(std::string_view name, Visitor& visitor) {
  require_main_thread("Object::get_property()");
  const Property* property = find_property(name);
  if (!property) {
    if (const Object* c = child(name)) {
      std::string path = c->path().value_or("");
      return visitor.type_str(name, path);
    }
    return error("Property '{}.{}' not found", type_name(), name);
  }
  if (!property->is_readable()) return error("Property '{}.{}' is not readable", type_name(), name);
  if (!property->calls_out()) return property->get(*this, visitor);
  const PropertyUse use(*this);
  return property->get(*this, visitor);
}

Result<const Property*> Object::settable_property(std::string_view name) const {
  const Property* property = find_property(name);
  if (!property && !child(name)) return error("Property '{}.{}' not found", type_name(), name);
  if (!property || !property->is_writable())
    return error("Property '{}.{}' is not writable", type_name(), name);
  if (complete_ && !property->is_settable_after_complete())
    return error("Property cannot be set after initialization");
  return property;
}

Result<void> Object::set_property(std::string_view name, Visitor& visitor) {
  require_main_thread("Object::set_property()");
  auto property = settable_property(name);
  if (!property) return failure(property);
  const auto set = [&] {
    const internal::OldValue old = internal::old_value(*this, **property);
    auto result = (*property)->set(*this, visitor);
    if (result) property_was_set(**property, old.get());
    return result;
  };
  if (!(*property)->calls_out()) return set();
  const PropertyUse use(*this);
  return set();
}

void Object::property_was_set(const Property& property, const Json* old_value) {
  if (parent_) remember_set(property);
  // An object that is outside a tree and has no further data is not observed.
  if (internal::is_anything_observed() && (parent_ || data_))
    internal::report_changed(*this, property, old_value);
}

void Object::notify(std::string_view name) { report_own_change(name, nullptr, nullptr); }

void Object::report_own_change(std::string_view name, internal::VisitValue write, const void* old_value) {
  require_main_thread("Object::notify()");
  constexpr std::string_view kUnknown = "notify() is called for a property that the object does not have";
  debug_invariant([&] { return find_property(name) != nullptr; }, kUnknown);
  if (!internal::is_anything_observed()) return;
  const Property* property = find_property(name);
  invariant(property != nullptr, kUnknown);
  if (!write || !internal::is_old_value_wanted(*this, *property))
    return internal::report_changed(*this, *property, nullptr);
  OutputVisitor visitor;
  // An output visitor only reads the value.
  const bool written = write(visitor, name, const_cast<void*>(old_value)).has_value();
  Json value = visitor.take();
  const JsonClearer clearer(value);
  internal::report_changed(*this, *property, written ? &value : nullptr);
}

void Object::remember_set(const Property& property, bool when_made) {
  if (property.is_alias()) return;
  auto& known = data().set_properties;
  const auto it = std::ranges::find(known, &property, &PropertyThatWasSet::property);
  if (it == known.end()) {
    known.push_back({&property, when_made});
  } else {
    std::rotate(it, it + 1, known.end());
  }
}

void Object::free_deleted_properties() {
  // A release function may delete further properties.
  while (!data_->deleted.empty()) {
    const auto gone = std::exchange(data_->deleted, {});
    for (const auto& own : gone) {
      forget_set(*own.property);  // set_property() records it even if its own setter deletes it
      own.run_release(*this);
    }
  }
}

void Object::forget_set(const Property& property) {
  std::erase_if(data_->set_properties, [&](const auto& set) { return set.property == &property; });
}

std::vector<PropertyThatWasSet> Object::set_properties() const {
  return data_ ? data_->set_properties : std::vector<PropertyThatWasSet>();
}

Result<Json> Object::get_property(std::string_view name) {
  OutputVisitor visitor;
  if (auto r = get_property(name, visitor); !r) return failure(r);
  Json value = visitor.take();
  if (auto r = check_json(value, name); !r) return failure(r);
  return value;
}

Result<void> Object::set_property(std::string_view name, const Json& value) {
  InputVisitor visitor(value);
  return set_property(name, visitor);
}

Result<void> Object::parse_property(std::string_view name, std::string_view text) {
  InputVisitor visitor(text);
  return set_property(name, visitor);
}

void PropertyUse::end() {
  const auto left = object_.uses_.load(std::memory_order_relaxed) - 1;
  if (left == 0 && object_.data_ && !object_.data_->deleted.empty()) object_.free_deleted_properties();
  const bool was_last = left == 0 && std::exchange(object_.ended_in_use_, false);
  // From here on, the unref() of another thread may destroy the object.
  object_.uses_.store(left, std::memory_order_release);
  if (was_last) object_.unref();
}

}  // namespace qomio
