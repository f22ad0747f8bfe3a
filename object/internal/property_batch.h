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

// The hooks of several properties of one object: each once, however many of its properties changed.
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
  // Reads the values, in the order in which the class declares their properties.
  Result<void> read();
  Result<void> check();
  // What can't be read can't be put back, so it is applied last, after the hooks. Errors: there is more than
  // one of the kind.
  Result<void> put_what_stays_last();
  Result<void> apply();
  // For an object that isn't in the tree yet.
  void remember();

 private:
  struct Entry;
  void report();

  Object& object_;
  const PropertyUse use_;
  std::vector<Entry> entries_;
  std::size_t can_revert_ = SIZE_MAX;  // entries, from the first on; those behind are applied after the hooks
  ChangeHooks hooks_;
};

}  // namespace qomio::internal
