// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <tsl/robin_set.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/object/internal/object_access.h"
#include "qomio/object/internal/observers.h"
#include "qomio/object/internal/weak_list.h"
#include "qomio/object/object.h"
#include "qomio/object/property.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio::internal {

// Index of children by name. Uses open addressing and stores the hash beside the pointer, so that finding a
// child in a large set takes few memory accesses: one to the table and one to the object.
inline std::string_view name_of(const Object* child) { return child->name(); }
inline std::string_view name_of(std::string_view name) { return name; }
struct NameHash {
  std::size_t operator()(const auto& child) const { return std::hash<std::string_view>()(name_of(child)); }
};
struct SameName {
  using is_transparent = void;
  bool operator()(const auto& a, const auto& b) const { return name_of(a) == name_of(b); }
};
using ChildIndex = tsl::robin_set<Object*, NameHash, SameName, std::allocator<Object*>, /*StoreHash=*/true>;

// One holder of an object, owned by a Hold.
class HoldEntry {
 public:
  HoldEntry(Object& object, Holder holder);
  // For a link that `owner` owns. Call set_owner() next, unless the owner is being destroyed.
  HoldEntry(Object& object, const Object& owner);
  HoldEntry(const HoldEntry&) = delete;
  HoldEntry& operator=(const HoldEntry&) = delete;
  ~HoldEntry();

  void set_owner(Object& owner) { owner_.set_target(&owner); }
  Object& object() const { return *object_; }
  // Returns the holder as given, or the owner's type and name; after the owner was destroyed, its type only.
  Holder holder() const;
  // The object that owns the link; null for a holder that is not a link, or after the owner was destroyed.
  const Object* owner() const { return owner_.target(); }

 private:
  Ref<Object> object_;
  Holder holder_;
  WeakNode owner_;
  const ObjectClass* owner_class_ = nullptr;
};

// Data that few objects have, allocated separately so that other objects stay small.
struct ObjectData {
  struct OwnProperty {
    std::unique_ptr<Property> property;
    std::function<void(Object&)> release;
    void run_release(Object& object) const {
      if (release) callback("release of property", property->name(), [&] { release(object); });
    }
  };
  // For names that end in "[*]", by the name without this suffix. All numbers below `next` have been given
  // out; the ones that are free again are in `returned`, so that the first free number is found without a
  // search.
  struct Numbering {
    std::size_t next = 0;
    std::set<std::size_t> returned;
  };
  std::vector<OwnProperty> properties;
  std::vector<OwnProperty> deleted;                // while in use, see PropertyUse
  std::vector<PropertyThatWasSet> set_properties;  // the most recently set last
  std::vector<const HoldEntry*> holders;           // oldest first
  ChildIndex children;                             // empty while there are few
  std::size_t child_count = 0;
  std::map<std::string, Numbering, std::less<>> numberings;
  WeakList weak_links;
  std::unique_ptr<ObserverList> observers;  // null until the object is observed
};

inline ObserverList* ObjectAccess::observers(const Object& object) {
  return object.data_ ? object.data_->observers.get() : nullptr;
}

}  // namespace qomio::internal
