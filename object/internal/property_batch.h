// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "qomio/object/object.h"
#include "qomio/object/property.h"
#include "qomio/qapi/visitor.h"

namespace qomio::internal {

// The on_change hooks of several properties of one object. Each hook is called once, even if several of its
// properties changed.
class ChangeHooks {
 public:
  void add(const Property& property);
  Result<void> run(Object& object) const;

 private:
  std::vector<const Property*> properties_;  // one for each hook
};

// New values for several properties of one object: all are read, checked and applied, or none.
class PropertyBatch {
 public:
  explicit PropertyBatch(Object& object);
  PropertyBatch(const PropertyBatch&) = delete;
  PropertyBatch& operator=(const PropertyBatch&) = delete;
  ~PropertyBatch();

  void add(const Property& property, const Json& value, Scalars scalars);
  // Reads the values in the order in which the class declares the properties; the object's own come last.
  Result<void> read();
  Result<void> check();
  // Moves a write-only property to the end: its old value cannot be restored, so it is applied after the
  // hooks. Errors: there is more than one write-only property.
  Result<void> move_write_only_last();
  Result<void> apply();
  // Records that the properties were set, for an object that is not in the tree yet.
  void remember();

 private:
  struct Entry;
  void report();

  Object& object_;
  const PropertyUse use_;
  std::vector<Entry> entries_;
  std::size_t can_revert_ = SIZE_MAX;  // entries applied before the hooks; the rest are applied after them
  ChangeHooks hooks_;
};

}  // namespace qomio::internal
