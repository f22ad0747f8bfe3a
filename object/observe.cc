// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/observe.h"

#include <algorithm>
#include <utility>

#include "qomio/object/internal/object_access.h"
#include "qomio/object/internal/object_data.h"
#include "qomio/object/internal/observers.h"
#include "qomio/object/object.h"
#include "qomio/object/property.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace internal {

constinit ObserverCount observer_count;

ObserverList::~ObserverList() {
  for_each_present([](ObserverEntry& entry) { entry.list = nullptr; });
}

void ObserverList::add(ObserverEntry& entry) {
  entries_.push_back(&entry);
  entry.list = this;
}

void ObserverList::remove(ObserverEntry& entry) {
  std::ranges::replace(entries_, &entry, nullptr);
  has_gaps_ = true;
  if (walks_ == 0) close_gaps();
}

void ObserverList::close_gaps() {
  std::erase(entries_, nullptr);
  has_gaps_ = false;
}

namespace {

// Called when an Observation is destroyed.
void end_observation(ObserverEntry* entry) {
  require_main_thread("Observation::~Observation()");
  --observer_count.all;
  if (entry->wants_old_values) --observer_count.with_old_values;
  if (entry->list) entry->list->remove(*entry);
  if (entry->calls > 0) {
    entry->has_ended = true;
  } else {
    delete entry;
  }
}

void call_observer(ObserverEntry& entry, const ObjectChange& change) {
  ++entry.calls;
  unless_out_of_memory(
      [&] { callback("observer of", change.object.name(), [&] { entry.callback->hear(change); }); });
  if (--entry.calls == 0 && entry.has_ended) delete &entry;
}

Observation add_entry(Object& object, ObserverScope scope, std::string property, OldValues old_values,
                      std::unique_ptr<Observer> observer) {
  require_main_thread("observe()");
  auto& list = ObjectAccess::data(object).observers;
  if (!list) list = std::make_unique<ObserverList>();
  auto entry = std::make_unique<ObserverEntry>(scope, std::move(property), old_values == OldValues::read,
                                               std::move(observer));
  list->add(*entry);
  ++observer_count.all;
  if (entry->wants_old_values) ++observer_count.with_old_values;
  return Observation(std::shared_ptr<ObserverEntry>(entry.release(), end_observation));
}

// Returns the object itself or its nearest ancestor that has observers; null if none has.
Object* nearest_observed(Object* object) {
  while (object && !ObjectAccess::observers(*object)) object = object->parent();
  return object;
}

bool is_below(const Object& object, const Object& root) {
  const Object* at = object.parent();
  while (at && at != &root) at = at->parent();
  return at != nullptr;
}

// Whether an observer that `lister` lists hears of changes to this property of the object.
bool hears(const ObserverEntry& entry, const Object& lister, const Object& object, const Property* property) {
  if (entry.scope == ObserverScope::tree) return &lister != &object;
  if (entry.scope == ObserverScope::property && (!property || property->name() != entry.property))
    return false;
  return &lister == &object;
}

// Whether the change still concerns the observers of `lister`. If an observer that was called earlier has
// taken the object out of the tree, that has been reported.
bool is_recent(const ObjectChange& change, const Object& lister) {
  if (&lister != &change.object) return is_below(change.object, lister);
  return change.kind == ObjectChange::Kind::changed || change.object.parent() != nullptr;
}

// Calls the observers that `lister` lists. The caller keeps `lister` and the changed object alive.
void call_observers(Object& lister, const ObjectChange& change) {
  ObjectAccess::observers(lister)->for_each_present([&](ObserverEntry& entry) {
    if (hears(entry, lister, change.object, change.property) && is_recent(change, lister))
      call_observer(entry, change);
  });
}

// Calls the observers of trees, from the root `nearest` upwards. It may be null.
void call_observers_of_trees(Object* nearest, const ObjectChange& change) {
  Object* root = nearest_observed(nearest);
  if (!root) return;
  const PropertyUse use(*root);
  call_observers(*root, change);
  call_observers_of_trees(root->parent(), change);
}

// `top` is the object itself, or the object above it that is added or removed with all below it, and is kept
// alive by the caller.
void report(const ObjectChange& change, const Object& top) {
  Object* root = nearest_observed(top.parent());
  const bool is_listed = ObjectAccess::observers(change.object) != nullptr;
  if (!is_listed && !root) return;
  const PropertyUse use(change.object);
  if (is_listed) {
    call_observers(change.object, change);
    root = top.parent();  // the callbacks may have changed the tree
  }
  if (change.object.is_complete()) call_observers_of_trees(root, change);
}

void report_below(Object& top, ObjectChange::Kind kind) {
  if (top.is_empty()) return;
  unless_out_of_memory([&] {
    for_each_below(top, [&](Object& below) {
      report({.kind = kind, .object = below}, top);
      return 0;
    });
  });
}

Result<void> read_property(Object& object, std::string_view property, VisitValue read, void* value) {
  auto json = object.get_property(property);
  if (!json) return failure(json);
  const JsonClearer clearer(*json);
  return read_json(*json, property, Scalars::typed, read, value);
}

}  // namespace

void report_changed(Object& object, const Property& property, const Json* old_value) {
  report({ObjectChange::Kind::changed, object, &property, old_value}, object);
}

void report_added(Object& object) {
  const PropertyUse use(object);
  report({.kind = ObjectChange::Kind::added, .object = object}, object);
  report_below(object, ObjectChange::Kind::added);
}

void report_completed(Object& object) {
  const PropertyUse use(object);
  call_observers_of_trees(object.parent(), {.kind = ObjectChange::Kind::added, .object = object});
}

void report_removed(Object& object) {
  report({.kind = ObjectChange::Kind::removed, .object = object}, object);
}

void report_removed_below(Object& object) { report_below(object, ObjectChange::Kind::removed); }

bool has_old_value_observer(Object& object, const Property& property) {
  const auto wants = [&](Object& lister) {
    bool found = false;
    ObjectAccess::observers(lister)->for_each_present([&](const ObserverEntry& entry) {
      found = found || (entry.wants_old_values && hears(entry, lister, object, &property));
    });
    return found;
  };
  if (ObjectAccess::observers(object) && wants(object)) return true;
  if (!object.is_complete()) return false;
  Object* root = nearest_observed(object.parent());
  while (root && !wants(*root)) root = nearest_observed(root->parent());
  return root != nullptr;
}

void DeleteJson::operator()(Json* value) const {
  json_clear(*value);
  delete value;
}

OldValue read_old_value(Object& object, const Property& property) {
  OldValue value;
  unless_out_of_memory([&] {
    OutputVisitor visitor;
    if (!property.is_readable() || !property.get(object, visitor)) return;
    value.reset(new Json);
    *value = visitor.take();
  });
  return value;
}

Observation add_observer(Object& object, ObserverScope scope, OldValues old_values,
                         std::unique_ptr<Observer> observer) {
  return add_entry(object, scope, {}, old_values, std::move(observer));
}

Result<Observation> add_property_observer(Object& object, std::string_view property, VisitValue read,
                                          void* value, std::unique_ptr<Observer> observer) {
  const PropertyUse use(object);  // a getter may delete its object
  if (auto r = read_property(object, property, read, value); !r) return failure(r);
  Object* target = &object;
  const Property* named = object.find_property(property);
  if (!named) return error("Property '{}.{}' not found", object.type_name(), property);
  const Property* observed = named->aliased(target);
  if (!observed) {
    return error("Property '{}.{}' is an alias of a child, which can't be observed", object.type_name(),
                 property);
  }
  return add_entry(*target, ObserverScope::property, observed->name(), OldValues::skip, std::move(observer));
}

Result<void> read_new_value(const ObjectChange& change, VisitValue read, void* value) {
  return read_property(change.object, change.property->name(), read, value);
}

}  // namespace internal

Result<Json> ObjectChange::new_value() const {
  invariant(property != nullptr, "new_value() is called for a change that is not of a property");
  return object.get_property(property->name());
}

}  // namespace qomio
