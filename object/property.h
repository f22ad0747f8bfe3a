// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/member.h"
#include "qomio/qapi/visitor.h"

// A property is declared once, in its type's class_init. Checks, listings, help and documentation follow from
// that declaration:
//
//     klass.add(property("poll-max-ns", &IOThread::poll_max_ns_)            // a member
//                   .range(0, INT64_MAX).default_value(32768)
//                   .on_change(&IOThread::apply_params)
//                   .describe("maximum busy-polling time in ns; 0 disables polling"));
//     klass.add(property("tokens", &TokenBucket::tokens));                  // a getter alone: read-only
//     klass.add(property("rate", &Bucket::rate, &Bucket::set_rate));        // a getter and a setter
//     klass.add(link("iothread", &TokenBucket::iothread_));                 // see object/link.h
namespace qomio {

class Object;

// A number or flag that any thread may read and write. Each access is atomic; reading a value and writing one
// that depends on it is not.
template <class T>
class Shared {
  static_assert(
      std::is_trivially_copyable_v<T>,
      "a Shared<T> is a number, a flag or another type that is copied byte by byte, or std::string");

 public:
  Shared() = default;
  Shared(T value) : value_(value) {}
  operator T() const { return value_.load(std::memory_order_relaxed); }
  Shared& operator=(T value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }

 private:
  std::atomic<T> value_{};
};

// A string that any thread may read and write. Reading copies it:
//
//     const std::string greeting = greeting_;
//
// The lock is held only while the string is copied or replaced, so a loop waits for no more than that.
template <>
class Shared<std::string> {
 public:
  Shared(std::string value = {});
  ~Shared();
  operator std::string() const;
  Shared& operator=(std::string value);

 private:
  struct Guarded;
  std::unique_ptr<Guarded> guarded_;
};

// A pending change of a property of one object: the value is read and checked first, then applied, and
// reverted if a later step fails.
class PropertyChange {
 public:
  virtual ~PropertyChange() = default;
  virtual Result<void> check() = 0;  // the range; for a link, the target
  virtual Result<void> apply() = 0;
  virtual void revert() = 0;
  // Called after everything has succeeded; reports properties of other objects that this change has set.
  virtual void report() {}
};

namespace internal {

// The part of a declaration that is the same for all kinds of properties.
struct PropertyDeclaration {
  std::string name;
  std::string type_name;
  std::string description = {};
  std::vector<std::string> features = {};
  std::string mistake = {};
  Result<void> (Object::*hook)() = nullptr;
  // Whether an object has the C++ class that the property was declared for; null accepts any object.
  bool (*is_instance)(const Object&) = nullptr;
  bool is_settable_after_complete = true;
  bool calls_out = true;
  bool is_alias = false;
  bool has_default = false;

  // Only the first mistake is reported.
  void add_mistake(std::string_view text) {
    if (mistake.empty()) mistake = text;
  }
  void set_features(Features added);
};

}  // namespace internal

// One property of a type or of one object. Immutable once added.
class Property {
 public:
  // Called on the object after a change. If it returns an error, the old value is restored and the hook is
  // called once more.
  using Hook = Result<void> (Object::*)();
  enum class Limit { default_value, minimum, maximum };

  virtual ~Property() = default;
  Property(const Property&) = delete;
  Property& operator=(const Property&) = delete;

  const std::string& name() const { return declaration_.name; }
  const std::string& type_name() const { return declaration_.type_name; }      // int, link<iothread>, …
  const std::string& description() const { return declaration_.description; }  // empty: none given
  const std::vector<std::string>& features() const { return declaration_.features; }  // "deprecated", …
  virtual const TypeDescription& type() const = 0;
  virtual bool is_readable() const { return true; }
  virtual bool is_writable() const = 0;
  bool is_alias() const { return declaration_.is_alias; }  // forwards to a property of another object
  bool is_settable_after_complete() const { return declaration_.is_settable_after_complete; }
  bool has_default() const { return declaration_.has_default; }
  // Whether getting or setting the value may call code of the object: a getter, a setter, a check or a hook.
  bool calls_out() const { return declaration_.calls_out || declaration_.hook; }
  // The mistake in the declaration, worded to follow the property's name; empty if there is none.
  const std::string& mistake() const { return declaration_.mistake; }
  // Whether the object has the C++ class that the property was declared for.
  bool fits(const Object& object) const {
    return !declaration_.is_instance || declaration_.is_instance(object);
  }
  Hook on_change() const { return declaration_.hook; }
  Result<void> run_hook(Object& object) const;                            // on_change() must not be null
  void rename(std::string name) { declaration_.name = std::move(name); }  // only before it is added

  // JSON null when none was declared. To use the result, include qapi/json.h, which defines Json.
  Json default_value() const;
  Json minimum() const;
  Json maximum() const;
  // Writes one of these to an output visitor; writes nothing when none was declared.
  virtual void visit_limit(Limit limit, Visitor& visitor) const { (void)limit, (void)visitor; }

  // get() and set() visit the value under the property's name. Errors: those of the visitor, the range and
  // the hook.
  virtual Result<void> get(Object& object, Visitor& visitor) const = 0;
  Result<void> set(Object& object, Visitor& visitor) const;
  // Reads, checks and stores a value without running the hook or keeping the old value. For objects that are
  // destroyed if a later step fails, and for properties without a hook.
  virtual Result<void> assign(Object& object, Visitor& visitor) const = 0;
  // Stores the default value, if there is one.
  virtual Result<void> assign_default(Object& object) const { return (void)object, Result<void>(); }
  // Reads the new value without changing anything yet.
  virtual Result<std::unique_ptr<PropertyChange>> stage(Object& object, Visitor& visitor) const = 0;
  // The object that a path through this property resolves to; null if the property is not a link or the link
  // is empty.
  virtual Object* target(Object& object) const { return (void)object, nullptr; }
  // For an alias, returns the property that it refers to in the end, and sets `object` to the object that has
  // it; null if the target is a child or no longer exists. Other properties return themselves.
  virtual const Property* aliased(Object*& object) const { return (void)object, this; }

 protected:
  explicit Property(internal::PropertyDeclaration declaration) : declaration_(std::move(declaration)) {}

  void check_class(const Object& object) const {
    debug_invariant([&] { return fits(object); },
                    "a property is used on an object of another C++ class; call Object::get_property() or "
                    "Object::set_property(), which look the object's own up");
  }

  internal::PropertyDeclaration declaration_;

 private:
  Json limit(Limit limit) const;
};

namespace internal {
template <class T>
class ValueProperty;
}

// Builds the declaration of a property of Class whose value is a T. Call each function at most once. Pass the
// result to ObjectClass::add() or Object::add_property(), which refuse a contradictory declaration: a range
// whose low end is above its high end, a default outside the range, a second default, too many features; a
// default, a hook or until_complete() for a read-only property, a hook for a write-only one.
template <class Class, class T>
class PropertyBuilder {
 public:
  explicit PropertyBuilder(internal::ValueProperty<T>* property);  // owns the property

  // For numbers. Both ends are allowed values.
  PropertyBuilder&& range(T low, T high) &&;
  // The value of a new object, set before instance_init. The on_change hook is not called for it.
  PropertyBuilder&& default_value(const T& value) &&;
  PropertyBuilder&& describe(std::string_view text) &&;
  // `hook` is called after a change. If it returns an error, the old value is restored, so the property must
  // be readable.
  PropertyBuilder&& on_change(Result<void> (Class::*hook)()) &&;
  // Sets the property's features. CompatPolicy (qapi/command_registry.h) applies to `deprecated` and
  // `unstable`. Clients see all features in the schema of object-add and in qom-list-properties.
  PropertyBuilder&& with(Features features) &&;
  // After complete(), setting the property fails with `Property cannot be set after initialization`.
  PropertyBuilder&& until_complete() &&;

  operator std::unique_ptr<Property>() &&;

 private:
  std::unique_ptr<Property> owner_;
  internal::ValueProperty<T>* property_;  // the same
};

namespace internal {

// The type of the value that a member holds.
template <class Field>
struct FieldValue {
  using type = Field;
};
template <class T>
struct FieldValue<Shared<T>> {
  using type = T;
};
template <class T>
struct FieldValue<std::atomic<T>> {
  using type = T;
};

template <class Class, class Field>
using MemberBuilder = PropertyBuilder<Class, typename FieldValue<Field>::type>;
template <class Class, class Value>
using AccessorBuilder = PropertyBuilder<Class, std::remove_cvref_t<Value>>;

}  // namespace internal

// A member, which is read and written directly. The value of a Shared<T> or std::atomic<T> is a T.
template <class Class, class Field>
  requires(!std::is_function_v<Field>)
internal::MemberBuilder<Class, Field> property(std::string_view name, Field Class::* member);

// A read-only property with a getter.
template <class Class, class Value>
internal::AccessorBuilder<Class, Value> property(std::string_view name, Value (Class::*getter)() const);

// A property with a getter and a setter. The setter either stores and applies the value, or returns an error
// and changes nothing.
template <class Class, class Value, class Argument>
internal::AccessorBuilder<Class, Value> property(std::string_view name, Value (Class::*getter)() const,
                                                 Result<void> (Class::*setter)(Argument));

// A write-only property.
template <class Class, class Argument>
internal::AccessorBuilder<Class, Argument> property(std::string_view name, std::nullptr_t,
                                                    Result<void> (Class::*setter)(Argument));

// A property with functions that take the object: for properties that are added to an object at run time, and
// for types without a C++ class of their own. Either function may be null. They may be called as long as the
// property exists, so what they refer to must outlive it.
//
//     object.add_property(property<bool>("ready", [state](const Object&) { return state->ready; }, nullptr));
template <class T>
PropertyBuilder<Object, T> property(std::string_view name, std::function<T(const Object&)> getter,
                                    std::function<Result<void>(Object&, T)> setter);

// A calendar date and time, counted as in C's struct tm: years from 1900, months from 0. The type name of
// such a property is `struct tm`:
//
//     klass.add(property("rtc-time", &Clock::rtc_time));   // DateTime rtc_time() const
struct DateTime {
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 1;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;

  // From a std::tm.
  template <class Tm>
    requires requires(const Tm& tm) { tm.tm_year; }
  static DateTime from(const Tm& tm) {
    return {tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
  }
  bool operator==(const DateTime&) const = default;

  static constexpr std::string_view type_name = "struct tm";
  static constexpr auto members =
      member_list(member("tm_year", &DateTime::year), member("tm_mon", &DateTime::month),
                  member("tm_mday", &DateTime::day), member("tm_hour", &DateTime::hour),
                  member("tm_min", &DateTime::minute), member("tm_sec", &DateTime::second));
};

}  // namespace qomio

#include "qomio/object/internal/value_property.h"
