// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/internal/property_batch.h"

#include <algorithm>
#include <utility>

#include "qomio/object/internal/object_access.h"
#include "qomio/object/internal/observers.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/json.h"

namespace qomio::internal {

void ChangeHooks::add(const Property& property) {
  const auto hook = property.on_change();
  if (hook && std::ranges::find(properties_, hook, &Property::on_change) == properties_.end())
    properties_.push_back(&property);
}

Result<void> ChangeHooks::run(Object& object) const {
  for (const Property* property : properties_) {
    if (auto r = property->run_hook(object); !r) return r;
  }
  return {};
}

struct PropertyBatch::Entry {
  const Property* property;
  const Json* value;
  Scalars scalars;
  std::unique_ptr<PropertyChange> change;
  OldValue old;

  Result<void> read(Object& object) {
    InputVisitor visitor(*value, scalars);
    auto staged = property->stage(object, visitor);
    if (!staged) return failure(staged);
    change = std::move(*staged);
    return {};
  }
};

PropertyBatch::PropertyBatch(Object& object) : object_(object), use_(object) {}
PropertyBatch::~PropertyBatch() = default;

void PropertyBatch::add(const Property& property, const Json& value, Scalars scalars) {
  entries_.push_back({&property, &value, scalars, nullptr, nullptr});
  hooks_.add(property);
}

Result<void> PropertyBatch::read() {
  for (const Property* declared : object_.object_class().properties()) {
    for (Entry& entry : entries_) {
      if (entry.property != declared) continue;
      if (auto r = entry.read(object_); !r) return r;
    }
  }
  for (Entry& entry : entries_) {
    if (entry.change) continue;  // the remaining ones are the object's own properties
    if (auto r = entry.read(object_); !r) return r;
  }
  return {};
}

Result<void> PropertyBatch::check() {
  for (Entry& entry : entries_) {
    if (auto r = entry.change->check(); !r) return r;
  }
  return {};
}

Result<void> PropertyBatch::move_write_only_last() {
  const auto stays = [](const Entry& entry) { return !entry.property->is_readable(); };
  const auto first = std::ranges::find_if(entries_, stays);
  if (first == entries_.end()) return {};
  const auto second = std::find_if(first + 1, entries_.end(), stays);
  if (second != entries_.end()) {
    return error("Properties '{}' and '{}' can't be read, so they can't be set together",
                 first->property->name(), second->property->name());
  }
  std::rotate(first, first + 1, entries_.end());
  can_revert_ = entries_.size() - 1;
  return {};
}

Result<void> PropertyBatch::apply() {
  for (Entry& entry : entries_) entry.old = old_value(object_, *entry.property);
  std::size_t applied = 0;
  Result<void> result;
  const auto apply_up_to = [&](std::size_t end) {
    while (applied < end && result) {
      result = entries_[applied].change->apply();
      if (result) ++applied;
    }
  };
  const std::size_t before_hooks = std::min(can_revert_, entries_.size());
  apply_up_to(before_hooks);
  if (result) result = hooks_.run(object_);
  apply_up_to(entries_.size());
  if (result) {
    report();
    return {};
  }
  while (applied > 0) entries_[--applied].change->revert();
  (void)hooks_.run(object_);  // applies the old values again
  return result;
}

void PropertyBatch::remember() {
  for (const Entry& entry : entries_) object_.remember_set(*entry.property, /*when_made=*/true);
}

void PropertyBatch::report() {
  for (const Entry& entry : entries_) {
    entry.change->report();
    ObjectAccess::property_was_set(object_, *entry.property, entry.old.get());
  }
}

}  // namespace qomio::internal
