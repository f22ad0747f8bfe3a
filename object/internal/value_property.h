// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/object/internal/is_instance.h"
#include "qomio/object/property.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/json/clear.h"

// Definitions of the templates in object/property.h. The code of a property is compiled once for each type of
// value, not for each class: a pointer to a member of a class is converted to a pointer to a member of
// Object, its base, and Property::fits() checks that an object has the member.
namespace qomio {
namespace internal {

// The name of a property's type: "int" for std::int64_t, "string", "uint16", "size", the name of an enum or a
// struct, "milliseconds", "list of uint16", "map of string", "int or null".
template <class T>
std::string property_type_name() {
  if constexpr (internal::HasWire<T> && !internal::HasTypeName<T>) {
    return property_type_name<typename ValueTraits<T>::Wire>();
  } else if constexpr (internal::is_optional<T>) {
    return property_type_name<typename T::value_type>() + " or null";
  } else if constexpr (!std::same_as<T, Json> && internal::Map<T>) {
    return "map of " + property_type_name<typename T::mapped_type>();
  } else if constexpr (std::same_as<T, std::string>) {
    return "string";
  } else if constexpr (internal::is_vector<T>) {
    return "list of " + property_type_name<typename T::value_type>();
  } else {
    return describe<T>().name;
  }
}

template <class T>
constexpr bool is_number() {
  if constexpr (internal::HasWire<T>) {
    using Wire = typename ValueTraits<T>::Wire;
    if constexpr (std::same_as<T, Wire> || !std::totally_ordered<T>) {
      return false;
    } else {
      return is_number<Wire>();
    }
  } else {
    return (std::is_arithmetic_v<T> && !std::same_as<T, bool>) || std::same_as<T, Size>;
  }
}
template <class T>
concept Number = is_number<T>();

std::unexpected<Error> range_error(std::string_view name, std::int64_t low, std::int64_t high);
std::unexpected<Error> range_error(std::string_view name, std::uint64_t low, std::uint64_t high);
std::unexpected<Error> range_error(std::string_view name, double low, double high);
std::unexpected<Error> range_error(std::string_view name, std::string_view low, std::string_view high);

template <class T>
std::unexpected<Error> range_error_of(std::string_view name, const T& low, const T& high) {
  if constexpr (internal::HasToText<T>) {
    return range_error(name, ValueTraits<T>::to_text(low), ValueTraits<T>::to_text(high));
  } else if constexpr (internal::HasWire<T>) {
    return range_error_of(name, ValueTraits<T>::to_wire(low), ValueTraits<T>::to_wire(high));
  } else if constexpr (std::same_as<T, Size>) {
    return range_error(name, low.bytes, high.bytes);
  } else if constexpr (std::floating_point<T>) {
    return range_error(name, double{low}, double{high});
  } else if constexpr (std::is_signed_v<T>) {
    return range_error(name, std::int64_t{low}, std::int64_t{high});
  } else {
    return range_error(name, std::uint64_t{low}, std::uint64_t{high});
  }
}

// The range of numbers that a property accepts. Other types accept any value.
template <class T>
struct Range {
  Result<void> check(std::string_view /*name*/, const T& /*value*/) const { return {}; }
  explicit operator bool() const { return false; }
};
template <Number T>
struct Range<T> {
  bool is_limited = false;
  T low{}, high{};

  explicit operator bool() const { return is_limited; }
  Result<void> check(std::string_view name, const T& value) const {
    if (!is_limited || (!(value < low) && !(high < value))) return {};
    return range_error_of(name, low, high);
  }
};

// A property whose value is a T. The two classes below load and store the value. A std::optional or
// std::unique_ptr for each T would take long to compile.
template <class T>
class ValueProperty : public Property {
 public:
  const TypeDescription& type() const final { return qomio::describe<T>(); }

  void visit_limit(Limit limit, Visitor& visitor) const final {
    const T* value = nullptr;
    if (limit == Limit::default_value) {
      if (has_default()) value = &default_;
    } else if constexpr (Number<T>) {
      if (range_) value = limit == Limit::minimum ? &range_.low : &range_.high;
    }
    // visit() takes a non-const value because it also serves input; an output visitor only reads it.
    if (value) (void)visit(visitor, {}, const_cast<T&>(*value));
  }

  Result<void> get(Object& object, Visitor& visitor) const final {
    check_class(object);
    T value = load(object);
    const JsonClearer clearer(value);
    return visit(visitor, name(), value);
  }

  Result<void> assign(Object& object, Visitor& visitor) const override {
    check_class(object);
    T value{};
    const JsonClearer clearer(value);
    visitor.refuse_negative();
    if (auto r = visit(visitor, name(), value); !r) return r;
    if (auto r = range_.check(name(), value); !r) return r;
    return store(object, std::move(value));
  }

  Result<void> assign_default(Object& object) const final {
    return has_default() ? store(object, default_) : Result<void>();
  }

  Result<std::unique_ptr<PropertyChange>> stage(Object& object, Visitor& visitor) const final {
    check_class(object);
    auto* made = new Change(*this, object);
    std::unique_ptr<PropertyChange> change(made);
    visitor.refuse_negative();
    if (auto r = visit(visitor, name(), made->value); !r) return failure(r);
    return change;
  }

  // --- For PropertyBuilder, until the property is added ---
  PropertyDeclaration& declaration() { return declaration_; }
  void set_range(T low, T high)
    requires Number<T>
  {
    if (!(low <= high)) declaration_.add_mistake("has a range whose low end is above its high end");
    range_ = {true, std::move(low), std::move(high)};
  }
  void set_default(const T& value) {
    if (has_default()) declaration_.add_mistake("has two default values");
    if (!is_writable()) declaration_.add_mistake("has a default value, and can not be set");
    default_ = value;
    declaration_.has_default = true;
  }
  void finish() {
    if (has_default() && !range_.check(name(), default_)) {
      declaration_.add_mistake("has a default value outside its range");
    }
  }

 protected:
  using Property::Property;

  virtual T load(const Object& object) const = 0;
  virtual Result<void> store(Object& object, T value) const = 0;
  bool has_range() const { return static_cast<bool>(range_); }

 private:
  struct Change final : PropertyChange {
    Change(const ValueProperty& p, Object& o) : property(p), object(o) {}
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change() override {
      clear_json_in(value);
      clear_json_in(old);
    }
    Result<void> check() override { return property.range_.check(property.name(), value); }
    Result<void> apply() override {
      has_old = property.is_readable();
      if (has_old) old = property.load(object);
      return property.store(object, std::move(value));
    }
    void revert() override {
      if (has_old) (void)property.store(object, std::move(old));
    }
    const ValueProperty& property;
    Object& object;
    T value{};
    T old{};
    bool has_old = false;
  };

  T default_{};  // if has_default()
  [[no_unique_address]] Range<T> range_;
};

template <class Field>
class MemberProperty final : public ValueProperty<typename FieldValue<Field>::type> {
 public:
  using T = typename FieldValue<Field>::type;

  MemberProperty(PropertyDeclaration declaration, Field Object::* member)
      : ValueProperty<T>(std::move(declaration)), member_(member) {}
  bool is_writable() const override { return true; }
  Result<void> assign(Object& object, Visitor& visitor) const override {
    // A failed visit does not change a scalar, so a scalar without a range is read directly into the member.
    if constexpr (std::same_as<Field, std::string> || std::is_arithmetic_v<Field>) {
      if (!this->has_range()) {
        this->check_class(object);
        visitor.refuse_negative();
        return visit(visitor, this->name(), object.*member_);
      }
    }
    return ValueProperty<T>::assign(object, visitor);
  }

 private:
  T load(const Object& object) const override { return object.*member_; }
  Result<void> store(Object& object, T value) const override {
    object.*member_ = std::move(value);
    return {};
  }
  Field Object::* member_;
};

template <class T>
class AccessorProperty final : public ValueProperty<T> {
 public:
  using Getter = std::function<T(const Object&)>;
  using Setter = std::function<Result<void>(Object&, T)>;

  AccessorProperty(PropertyDeclaration declaration, Getter getter, Setter setter)
      : ValueProperty<T>(std::move(declaration)), getter_(std::move(getter)), setter_(std::move(setter)) {}
  bool is_readable() const override { return getter_ != nullptr; }
  bool is_writable() const override { return setter_ != nullptr; }

 private:
  T load(const Object& object) const override {
    return callback("getter of property", this->name(), [&] { return getter_(object); });
  }
  Result<void> store(Object& object, T value) const override {
    return callback("setter of property", this->name(), [&] { return setter_(object, std::move(value)); });
  }

  Getter getter_;
  Setter setter_;
};

// The most common instantiations are compiled in property.cc, not in each file that declares a property.
extern template class ValueProperty<bool>;
extern template class ValueProperty<std::string>;
extern template class ValueProperty<std::int64_t>;
extern template class MemberProperty<bool>;
extern template class MemberProperty<std::string>;
extern template class MemberProperty<std::int64_t>;
extern template class AccessorProperty<bool>;
extern template class AccessorProperty<std::string>;
extern template class AccessorProperty<std::int64_t>;

template <class Class, class T>
PropertyDeclaration declare(std::string_view name) {
  static_assert(std::is_base_of_v<Object, Class>, "a property is of a class that is derived from Object");
  PropertyDeclaration declaration{.name = std::string(name), .type_name = property_type_name<T>()};
  if constexpr (!std::same_as<Class, Object>) declaration.is_instance = is_instance<Class>;
  return declaration;
}

template <class Class, class Value>
auto call_getter(Value (Class::*getter)() const) {
  return [getter](const Object& object) -> std::remove_cvref_t<Value> {
    return (static_cast<const Class&>(object).*getter)();
  };
}
template <class Class, class Argument>
auto call_setter(Result<void> (Class::*setter)(Argument)) {
  return [setter](Object& object, std::remove_cvref_t<Argument> value) {
    return (static_cast<Class&>(object).*setter)(std::move(value));
  };
}

}  // namespace internal

template <class Class, class T>
PropertyBuilder<Class, T>::PropertyBuilder(internal::ValueProperty<T>* property)
    : owner_(property), property_(property) {}

template <class Class, class T>
PropertyBuilder<Class, T>&& PropertyBuilder<Class, T>::range(T low, T high) && {
  static_assert(internal::Number<T>, "only a property that is a number has a range");
  property_->set_range(std::move(low), std::move(high));
  return std::move(*this);
}

template <class Class, class T>
PropertyBuilder<Class, T>&& PropertyBuilder<Class, T>::default_value(const T& value) && {
  property_->set_default(value);
  return std::move(*this);
}

template <class Class, class T>
PropertyBuilder<Class, T>&& PropertyBuilder<Class, T>::describe(std::string_view text) && {
  property_->declaration().description = text;
  return std::move(*this);
}

template <class Class, class T>
PropertyBuilder<Class, T>&& PropertyBuilder<Class, T>::on_change(Result<void> (Class::*hook)()) && {
  internal::PropertyDeclaration& declaration = property_->declaration();
  if (!property_->is_writable()) declaration.add_mistake("has an on_change hook, and can not be set");
  if (!property_->is_readable())
    declaration.add_mistake("has an on_change hook, and can't be read to put back what that refuses");
  declaration.hook = static_cast<Property::Hook>(hook);
  return std::move(*this);
}

template <class Class, class T>
PropertyBuilder<Class, T>&& PropertyBuilder<Class, T>::with(Features features) && {
  property_->declaration().set_features(features);
  return std::move(*this);
}

template <class Class, class T>
PropertyBuilder<Class, T>&& PropertyBuilder<Class, T>::until_complete() && {
  internal::PropertyDeclaration& declaration = property_->declaration();
  if (!property_->is_writable()) declaration.add_mistake("is settable until complete(), and can not be set");
  declaration.is_settable_after_complete = false;
  return std::move(*this);
}

template <class Class, class T>
PropertyBuilder<Class, T>::operator std::unique_ptr<Property>() && {
  property_->finish();
  return std::move(owner_);
}

template <class Class, class Field>
  requires(!std::is_function_v<Field>)
internal::MemberBuilder<Class, Field> property(std::string_view name, Field Class::* member) {
  using T = typename internal::FieldValue<Field>::type;
  auto declaration = internal::declare<Class, T>(name);
  declaration.calls_out = false;
  return PropertyBuilder<Class, T>(
      new internal::MemberProperty<Field>(std::move(declaration), static_cast<Field Object::*>(member)));
}

template <class Class, class Value>
internal::AccessorBuilder<Class, Value> property(std::string_view name, Value (Class::*getter)() const) {
  using T = std::remove_cvref_t<Value>;
  return PropertyBuilder<Class, T>(new internal::AccessorProperty<T>(internal::declare<Class, T>(name),
                                                                     internal::call_getter(getter), nullptr));
}

template <class Class, class Value, class Argument>
internal::AccessorBuilder<Class, Value> property(std::string_view name, Value (Class::*getter)() const,
                                                 Result<void> (Class::*setter)(Argument)) {
  using T = std::remove_cvref_t<Value>;
  return PropertyBuilder<Class, T>(new internal::AccessorProperty<T>(
      internal::declare<Class, T>(name), internal::call_getter(getter), internal::call_setter(setter)));
}

template <class Class, class Argument>
internal::AccessorBuilder<Class, Argument> property(std::string_view name, std::nullptr_t,
                                                    Result<void> (Class::*setter)(Argument)) {
  using T = std::remove_cvref_t<Argument>;
  return PropertyBuilder<Class, T>(new internal::AccessorProperty<T>(internal::declare<Class, T>(name),
                                                                     nullptr, internal::call_setter(setter)));
}

template <class T>
PropertyBuilder<Object, T> property(std::string_view name, std::function<T(const Object&)> getter,
                                    std::function<Result<void>(Object&, T)> setter) {
  return PropertyBuilder<Object, T>(new internal::AccessorProperty<T>(internal::declare<Object, T>(name),
                                                                      std::move(getter), std::move(setter)));
}

}  // namespace qomio
