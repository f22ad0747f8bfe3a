// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <concepts>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/visitor.h"

// Observers hear of changes to objects: of one property, of one object, or of all objects below one.
//
//     auto target = observe<int>(*heater, "target", [](int before, int now) { ... });
//     Observation all = observe_tree(objects_root(), [](const ObjectChange& change) { ... });
//
// A change is reported when it has succeeded and its on_change hook has run: whenever a property is set, by
// any caller, also through an alias or to the value that it has already, and whenever an object reports a
// change of its own with Object::notify(). If several properties are set together, the first is reported when
// all are set. A new object is reported once it is complete, and not the values that it was made with.
//
// Order: first the observers of the object and its properties, then those of trees, the nearest root first;
// at each, the oldest first. All are called before the call that made the change returns. An observation that
// a callback makes hears from the next change on; at a root that has not been reached yet, already of this
// one.
//
// A callback may do anything: set properties, create and delete objects, also the one it observes, and make
// and end observations, also its own. What it changes is reported at once, so the observers after it hear of
// that before they hear of the first change. An observation that has ended is not called again. If a callback
// deletes the object, observers of trees that were not called yet hear of its removal only.
//
// Observing does not keep an object alive. After the last reference to the observed object is released,
// nothing is reported but the removal of the objects below it. The Observation then has no effect; it may be
// destroyed at any time.
//
// Thread: the main thread.
namespace qomio {

class Object;
class Property;

// A change, as observers of objects and trees hear it. Valid during the call only.
struct ObjectChange {
  enum class Kind {
    // The object was added to the tree and is complete; it, or an object that it is a part of. Observers of
    // the object itself hear when it is given a parent.
    added,
    // A property was set, or the object reported a change of it. Heard by observers of trees if the object is
    // complete.
    changed,
    // The object is about to leave the tree, alone or as a part of another object, which is reported first.
    removed,
  };

  Kind kind;
  Object& object;
  const Property* property = nullptr;  // of `changed`, else null
  // The value before, as get_property() returns it. Null if it can't be read, if no observer wants it (see
  // OldValues), or if the object reported the change without it. To use it, include qapi/json.h.
  const Json* old_value = nullptr;

  // Reads the value now: if an earlier callback has set the property again, that value. Errors: those of
  // Object::get_property().
  Result<Json> new_value() const;
};

// Whether a property is read before it is set, for ObjectChange::old_value. That may be slow, since it calls
// getters. It is not done if no observer of the change wants the value.
enum class OldValues { read, skip };

namespace internal {

// A callback of any type.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;
  virtual void hear(const ObjectChange& change) = 0;
};

struct ObserverEntry;

}  // namespace internal

// Ends an observation when it is destroyed. Owns the callback, which is destroyed with it, or, during a call,
// as soon as that has returned.
class [[nodiscard]] Observation {
 public:
  Observation() = default;  // observes nothing
  explicit Observation(std::shared_ptr<internal::ObserverEntry> entry) : entry_(std::move(entry)) {}
  Observation(Observation&&) noexcept = default;
  Observation& operator=(Observation&&) noexcept = default;

 private:
  std::shared_ptr<internal::ObserverEntry> entry_;
};

// Calls `on_change` with the old and the new value when a property has got another value: two T, or const T&.
// The old value is the one that this observer heard last; at first, the value at this call. So each observer
// hears an unbroken chain of values, even if a callback sets the property again. Values that were replaced
// before the observer's turn are not heard, and neither is one that can't be read.
//
// T is a type that can hold the property's value as JSON: see visit() in qapi/describe.h. For a link it is a
// std::string, the path; for any property it may be Json. An alias is observed at the property it refers to.
//
// Errors: `Property 't.x' not found`, `... is not readable`, and other errors of Object::get_property();
// those of reading its value as a T; an alias of a child.
template <class T = void, class Callback>
[[nodiscard]] Result<Observation> observe(Object& object, std::string_view property, Callback on_change);

// Calls `on_change`, which takes a const ObjectChange&, for all changes of one object, in a tree or outside.
template <class Callback>
Observation observe(Object& object, Callback on_change, OldValues old_values = OldValues::read);

// The same for all objects below `root`, which may be any object, and is not included. They are reported from
// the time at which they are complete.
template <class Callback>
Observation observe_tree(Object& root, Callback on_change, OldValues old_values = OldValues::read);

// --- Implementation of the templates ---

namespace internal {

enum class ObserverScope { property, object, tree };

Observation add_observer(Object& object, ObserverScope scope, OldValues old_values,
                         std::unique_ptr<Observer> observer);
// Also reads the present value into the T that `value` points to; `read` is visit_value<T>.
Result<Observation> add_property_observer(Object& object, std::string_view property, VisitValue read,
                                          void* value, std::unique_ptr<Observer> observer);
Result<void> read_new_value(const ObjectChange& change, VisitValue read, void* value);

template <class Callback>
class ChangeObserver final : public Observer {
 public:
  explicit ChangeObserver(Callback on_change) : on_change_(std::move(on_change)) {}
  void hear(const ObjectChange& change) override { on_change_(change); }

 private:
  Callback on_change_;
};

template <class T, class Callback>
class ValueObserver final : public Observer {
 public:
  explicit ValueObserver(Callback on_change) : on_change_(std::move(on_change)) {}
  ~ValueObserver() override { clear_json_in(last_); }

  T& last() { return last_; }
  void hear(const ObjectChange& change) override {
    T now{};
    const JsonClearer clear_now(now);
    if (!read_new_value(change, visit_value<T>, &now) || equal<T>(last_, now)) return;
    T before = std::exchange(last_, now);  // first, because the callback may set the property again
    const JsonClearer clear_before(before);
    on_change_(std::as_const(before), std::as_const(now));
  }

 private:
  Callback on_change_;
  T last_{};
};

template <class Callback>
Observation observe_changes(Object& object, ObserverScope scope, OldValues old_values, Callback on_change) {
  constexpr bool fits = requires(const ObjectChange& change) {
    { on_change(change) } -> std::same_as<void>;
  };
  static_assert(fits, "the callback for an object or a tree takes a const ObjectChange& and returns nothing");
  if constexpr (fits) {
    return add_observer(object, scope, old_values,
                        std::make_unique<ChangeObserver<Callback>>(std::move(on_change)));
  }
}

}  // namespace internal

template <class T, class Callback>
Result<Observation> observe(Object& object, std::string_view property, Callback on_change) {
  static_assert(!std::is_void_v<T>,
                "say the type of the property's value: observe<std::int64_t>(object, name, callback)");
  if constexpr (!std::is_void_v<T>) {
    constexpr bool fits = requires(const T& value) {
      { on_change(value, value) } -> std::same_as<void>;
    };
    static_assert(fits,
                  "the callback of observe<T>() takes two T, the old and the new value, and returns nothing");
    if constexpr (fits) {
      auto observer = std::make_unique<internal::ValueObserver<T, Callback>>(std::move(on_change));
      T& value = observer->last();
      return internal::add_property_observer(object, property, internal::visit_value<T>, &value,
                                             std::move(observer));
    }
  }
}

template <class Callback>
Observation observe(Object& object, Callback on_change, OldValues old_values) {
  return internal::observe_changes(object, internal::ObserverScope::object, old_values, std::move(on_change));
}

template <class Callback>
Observation observe_tree(Object& root, Callback on_change, OldValues old_values) {
  return internal::observe_changes(root, internal::ObserverScope::tree, old_values, std::move(on_change));
}

}  // namespace qomio
