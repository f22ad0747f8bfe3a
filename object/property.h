// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <concepts>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/object/object.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/member.h"

// A property is declared once, in its type's class_init; checks, listings, help and documentation follow from
// that:
//
//     klass.add(property("poll-max-ns", &IOThread::poll_max_ns_)            // a member
//                   .range(0, INT64_MAX).default_value(32768)
//                   .on_change(&IOThread::apply_poll_params)
//                   .describe("longest time to busy-poll before blocking, in nanoseconds; 0 turns polling
//                   off"));
//     klass.add(property("tokens", &TokenBucket::tokens));                  // a getter alone: read-only
//     klass.add(property("rate", &Bucket::rate, &Bucket::set_rate));        // a getter and a setter
//     klass.add(link("iothread", &TokenBucket::iothread_));                 // see object/link.h
namespace qomio {

// A number or flag that the main thread sets and any thread reads.
template <class T>
class Live {
 public:
  Live() = default;
  Live(T value) : value_(value) {}
  operator T() const { return value_.load(std::memory_order_relaxed); }
  Live& operator=(T value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }

 private:
  std::atomic<T> value_{};
};

// A value on its way into a property: read and checked first, applied later, taken back if a later step
// fails.
class PropertyChange {
 public:
  virtual ~PropertyChange() = default;
  virtual Result<void> check() = 0;  // range
  virtual Result<void> apply() = 0;
  virtual void revert() = 0;
  // After all has succeeded: of properties of other objects that were set by this, too.
  virtual void report() {}
};

// One property of a type or of one object. Immutable once added.
class Property {
 public:
  // Runs after a change, on the object; an error puts the old value back, and runs it once more.
  using Hook = Result<void> (Object::*)();

  virtual ~Property() = default;
  Property(const Property&) = delete;
  Property& operator=(const Property&) = delete;

  const std::string& name() const { return name_; }
  const std::string& type_name() const { return type_name_; }      // int, string, link<iothread>, …
  const std::string& description() const { return description_; }  // empty: none given
  const Json& default_value() const { return default_; }           // null: none given
  const Json& minimum() const { return minimum_; }                 // null: the type's own
  const Json& maximum() const { return maximum_; }
  virtual const TypeDescription& type() const = 0;
  virtual bool is_readable() const { return true; }
  virtual bool is_writable() const = 0;
  virtual bool is_alias() const { return false; }  // stands for a property of another object
  bool is_live() const { return live_; }           // may be set after complete()
  // Does code of the object's run when it is read or set: a getter, a setter, a check, a hook?
  bool calls_out() const { return calls_out_ || hook_; }
  // What contradicts itself in the declaration, to follow the property's name; empty: nothing.
  const std::string& mistake() const { return mistake_; }
  // Is the object of the C++ class that the property reads and writes?
  virtual bool fits(const Object& object) const { return (void)object, true; }
  const std::vector<std::string>& features() const { return features_; }  // "deprecated", "unstable", …
  Hook on_change() const { return hook_; }
  Result<void> run_hook(Object& object) const;                // it has one
  void rename(std::string name) { name_ = std::move(name); }  // before it is added

  // The visitor's value is named after the property. Errors: those of the visitor, of the range, and of the
  // hook.
  virtual Result<void> get(Object& object, Visitor& visitor) const = 0;
  Result<void> set(Object& object, Visitor& visitor) const;
  // Reads, checks and stores, all but the hook; what was there before is lost. For objects that go if a later
  // step fails, and for properties without a hook.
  virtual Result<void> assign(Object& object, Visitor& visitor) const = 0;
  // Reads the new value, and changes nothing yet.
  virtual Result<std::unique_ptr<PropertyChange>> stage(Object& object, Visitor& visitor) const = 0;
  // The object that the property leads to, for paths; null if it is no link or an empty one.
  virtual Object* target(Object& object) const { return (void)object, nullptr; }

 protected:
  template <class Class, class T>
  friend class PropertyBuilder;

  void check_class(const Object& object) const {
    debug_invariant(fits(object),
                    "a property is used on an object of another C++ class; call Object::get_property() or "
                    "Object::set_property(), which look the object's own up");
  }

  Property(std::string_view name, std::string type_name) : name_(name), type_name_(std::move(type_name)) {}

  std::string name_;
  std::string type_name_;
  std::string description_;
  Json default_;
  Json minimum_;
  Json maximum_;
  std::vector<std::string> features_;
  std::string mistake_;
  bool live_ = true;
  bool calls_out_ = true;
  Hook hook_ = nullptr;
};

namespace detail {

template <class Field>
struct FieldValue {
  using type = Field;
};
template <class T>
struct FieldValue<Live<T>> {
  using type = T;
};
template <class T>
struct FieldValue<std::atomic<T>> {
  using type = T;
};

// "int" for a 64-bit one, "string", "uint16", "size", the name of an enum or a struct; for a list, of its
// elements.
template <class T>
std::string property_type_name() {
  if constexpr (std::same_as<T, std::string>) {
    return "string";
  } else if constexpr (is_vector<T>) {
    return property_type_name<typename T::value_type>();
  } else {
    return describe<T>().name;
  }
}

std::unexpected<Error> range_error(std::string_view name, const Json& minimum, const Json& maximum);

}  // namespace detail

template <class Class, class T>
class PropertyBuilder;

// What properties of a C++ value have in common; how the value is reached is for the two classes below.
template <class Class, class T>
class ValueProperty : public Property {
 public:
  const TypeDescription& type() const override { return qomio::describe<T>(); }

  bool fits(const Object& object) const override { return detail::is_instance<Class>(object); }

  Result<void> get(Object& object, Visitor& visitor) const override {
    check_class(object);
    T value = load(static_cast<const Class&>(object));
    const JsonClearer clearer(value);
    return visit(visitor, name_, value);
  }

  Result<void> assign(Object& object, Visitor& visitor) const override {
    check_class(object);
    T value{};
    const JsonClearer clearer(value);
    visitor.refuse_negative();
    if (auto r = visit(visitor, name_, value); !r) return r;
    if (auto r = check(value); !r) return r;
    return store(static_cast<Class&>(object), std::move(value));
  }

  Result<std::unique_ptr<PropertyChange>> stage(Object& object, Visitor& visitor) const override {
    check_class(object);
    auto change = std::make_unique<Change>(*this, static_cast<Class&>(object));
    visitor.refuse_negative();
    if (auto r = visit(visitor, name_, change->value); !r) return failure(r);
    return change;
  }

 protected:
  using Property::Property;

  virtual T load(const Class& self) const = 0;
  virtual Result<void> store(Class& self, T value) const = 0;

  Result<void> check(const T& value) const {
    if constexpr (std::totally_ordered<T> && !std::same_as<T, bool>) {
      if ((low_ && value < *low_) || (high_ && *high_ < value)) {
        return detail::range_error(name_, minimum_, maximum_);
      }
    }
    return {};
  }

  std::optional<T> low_;
  std::optional<T> high_;

 private:
  friend class PropertyBuilder<Class, T>;

  struct Change final : PropertyChange {
    Change(const ValueProperty& p, Class& o) : property(p), self(o) {}
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change() override {
      clear_json_in(value);
      if (old) clear_json_in(*old);
    }
    Result<void> check() override { return property.check(value); }
    Result<void> apply() override {
      if (property.is_readable()) old = property.load(self);
      return property.store(self, std::move(value));
    }
    void revert() override {
      if (old) (void)property.store(self, std::move(*old));
    }
    const ValueProperty& property;
    Class& self;
    T value{};
    std::optional<T> old;
  };
};

template <class Class, class Field>
class MemberProperty final : public ValueProperty<Class, typename detail::FieldValue<Field>::type> {
 public:
  using T = typename detail::FieldValue<Field>::type;
  MemberProperty(std::string_view name, Field Class::* member)
      : ValueProperty<Class, T>(name, detail::property_type_name<T>()), member_(member) {
    this->calls_out_ = false;
  }
  bool is_writable() const override { return true; }
  Result<void> assign(Object& object, Visitor& visitor) const override {
    // A visit that fails leaves scalars alone, so one without a range needs no copy to be tried on.
    if constexpr (std::same_as<Field, std::string> || std::is_arithmetic_v<Field>) {
      if (!this->low_) {
        visitor.refuse_negative();
        return visit(visitor, this->name_, static_cast<Class&>(object).*member_);
      }
    }
    return ValueProperty<Class, T>::assign(object, visitor);
  }

 private:
  T load(const Class& self) const override { return self.*member_; }
  Result<void> store(Class& self, T value) const override {
    self.*member_ = std::move(value);
    return {};
  }
  Field Class::* member_;
};

template <class Class, class T>
class AccessorProperty final : public ValueProperty<Class, T> {
 public:
  using Getter = std::function<T(const Class&)>;
  using Setter = std::function<Result<void>(Class&, T)>;
  AccessorProperty(std::string_view name, Getter getter, Setter setter)
      : ValueProperty<Class, T>(name, detail::property_type_name<T>()),
        getter_(std::move(getter)),
        setter_(std::move(setter)) {}
  bool is_readable() const override { return getter_ != nullptr; }
  bool is_writable() const override { return setter_ != nullptr; }

 private:
  T load(const Class& self) const override {
    return callback("getter of property", this->name_, [&] { return getter_(self); });
  }
  Result<void> store(Class& self, T value) const override {
    return callback("setter of property", this->name_, [&] { return setter_(self, std::move(value)); });
  }

  Getter getter_;
  Setter setter_;
};

// Fills in the rest of a declaration, each part once; ends in ObjectClass::add or Object::add_property, which
// refuse one that contradicts itself: a low end above the high end, a default out of range or read-only, a
// second default, a hook for what can't be read back, too many features.
template <class Class, class T>
class PropertyBuilder {
 public:
  explicit PropertyBuilder(std::unique_ptr<ValueProperty<Class, T>> property)
      : property_(std::move(property)) {}

  // Both ends are allowed values.
  PropertyBuilder&& range(T low, T high) && {
    auto& p = access();
    if (!(low <= high)) mistake("has a range whose low end is above its high end");
    p.minimum_ = to_json(low);
    p.maximum_ = to_json(high);
    p.low_ = std::move(low);
    p.high_ = std::move(high);
    return std::move(*this);
  }
  // Set when an object is made, before instance_init; the on_change hook does not run for it.
  PropertyBuilder&& default_value(const T& value) && {
    if (default_) mistake("has two default values");
    if (!access().is_writable()) mistake("has a default value, and can not be set");
    default_ = value;
    access().default_ = to_json(value);
    return std::move(*this);
  }
  PropertyBuilder&& describe(std::string_view text) && {
    access().description_ = text;
    return std::move(*this);
  }
  // For a property that can be read: what the hook refuses is put back.
  PropertyBuilder&& on_change(Result<void> (Class::*hook)()) && {
    if (!access().is_readable())
      mistake("has an on_change hook, and can't be read to put back what that refuses");
    access().hook_ = static_cast<Property::Hook>(hook);
    return std::move(*this);
  }
  // What is special about it; `deprecated` and `unstable` are known to the policy of qapi/compat.h. Clients
  // see them in the schema of object-add and in qom-list-properties.
  PropertyBuilder&& with(Features features) && {
    if (features.too_many()) mistake("has more features than there is room for");
    access().features_.assign(features.begin(), features.end());
    return std::move(*this);
  }
  // Later sets are refused with `Property cannot be set after initialization`.
  PropertyBuilder&& until_complete() && {
    access().live_ = false;
    return std::move(*this);
  }
  operator std::unique_ptr<Property>() && {
    if (default_ && !access().check(*default_)) mistake("has a default value outside its range");
    return std::move(property_);
  }

 private:
  ValueProperty<Class, T>& access() { return *property_; }
  void mistake(std::string_view text) {
    if (access().mistake_.empty()) access().mistake_ = text;
  }
  std::unique_ptr<ValueProperty<Class, T>> property_;
  std::optional<T> default_;
};

// A member: read and written as it is. Live<T> and std::atomic<T> count as T.
template <class Class, class Field>
  requires(!std::is_function_v<Field>)
auto property(std::string_view name, Field Class::* member) {
  using T = typename detail::FieldValue<Field>::type;
  return PropertyBuilder<Class, T>(std::make_unique<MemberProperty<Class, Field>>(name, member));
}

// A getter alone: read-only.
template <class Class, class Value>
auto property(std::string_view name, Value (Class::*getter)() const) {
  using T = std::remove_cvref_t<Value>;
  return PropertyBuilder<Class, T>(std::make_unique<AccessorProperty<Class, T>>(
      name, [getter](const Class& self) -> T { return (self.*getter)(); }, nullptr));
}

// A getter and a setter. The setter checks, stores and applies, or changes nothing and says why.
template <class Class, class Value, class Argument>
auto property(std::string_view name, Value (Class::*getter)() const,
              Result<void> (Class::*setter)(Argument)) {
  using T = std::remove_cvref_t<Value>;
  return PropertyBuilder<Class, T>(std::make_unique<AccessorProperty<Class, T>>(
      name, [getter](const Class& self) -> T { return (self.*getter)(); },
      [setter](Class& self, T value) { return (self.*setter)(std::move(value)); }));
}

// Write-only.
template <class Class, class Argument>
auto property(std::string_view name, std::nullptr_t, Result<void> (Class::*setter)(Argument)) {
  using T = std::remove_cvref_t<Argument>;
  return PropertyBuilder<Class, T>(std::make_unique<AccessorProperty<Class, T>>(
      name, nullptr, [setter](Class& self, T value) { return (self.*setter)(std::move(value)); }));
}

// By functions that get the object: for what an object is given at run time, and for types without a C++
// class of their own. Either may be null. They are called as long as the property is there.
//
//     object.add_property(property<bool>("ready", [state](const Object&) { return state->ready; }, nullptr));
template <class T>
auto property(std::string_view name, std::function<T(const Object&)> getter,
              std::function<Result<void>(Object&, T)> setter) {
  return PropertyBuilder<Object, T>(
      std::make_unique<AccessorProperty<Object, T>>(name, std::move(getter), std::move(setter)));
}

}  // namespace qomio
