// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/object/internal/is_instance.h"
#include "qomio/object/ref.h"
#include "qomio/object/type.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/member.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

class Property;

namespace internal {
class HoldEntry;
struct ObjectAccess;
struct ObjectData;
enum class Root : std::uint8_t { none, tree, objects, internal };
}  // namespace internal

// Who uses an object, for people: {"kind": "export", "name": "disk0"}.
struct Holder {
  std::string kind;
  std::string name;
  bool operator==(const Holder&) const = default;
  static constexpr std::string_view type_name = "Holder";
  static constexpr auto members = member_list(member("kind", &Holder::kind), member("name", &Holder::name));
};

// Keeps an object alive, and lists its owner among the object's holders, until it is destroyed. Made by
// Object::hold(). Thread: the main thread.
class Hold {
 public:
  Hold();  // holds nothing
  explicit Hold(std::unique_ptr<internal::HoldEntry> entry);
  Hold(Hold&& other) noexcept;
  Hold& operator=(Hold&& other) noexcept;
  ~Hold();
  Object* object() const { return object_; }

 private:
  Object* object_ = nullptr;
  std::unique_ptr<internal::HoldEntry> entry_;
};

struct PropertyThatWasSet {
  const Property* property;
  bool when_made;  // given when the object was made, which may require it
};

// One row of a listing of properties.
struct PropertyView {
  std::string name;
  std::string type_name;
};

// The root of all types: counted references, a class, properties, a place in the tree.
//
// Owns its children and what its links own. Made by object_new() with one reference; the last unref()
// finalizes it: releases of instance properties first, then instance_finalize hooks, derived first, then the
// destructor.
//
// Thread: ref() and unref() may be called from any thread. Everything else belongs to the main thread, and so
// does the last unref() of an object that has children, links or holders.
class Object {
 public:
  static const TypeInfo type_info;

  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  // The most references that an object can have. To exceed it, or to release one too many, is a broken
  // invariant.
  static constexpr std::uint32_t kMaxReferences = std::uint32_t{1} << 28;
  void ref() const {
    const std::uint32_t before = references_.fetch_add(1, std::memory_order_relaxed);
    if (before - 1 >= kMaxReferences - 1) [[unlikely]]
      wrong_count(before);
  }
  void unref() const {
    // The only reference is not shared with another thread, so no locked instruction is needed.
    if (references_.load(std::memory_order_acquire) == 1) return finalize();
    const std::uint32_t before = references_.fetch_sub(1, std::memory_order_acq_rel);
    if (before == 1) return finalize();
    if (before == 0) [[unlikely]]
      wrong_count(before);
  }

  const ObjectClass& object_class() const { return *class_; }
  const std::string& type_name() const { return class_->name(); }

  // --- Place in the tree (paths and walks: object/tree.h) ---
  Object* parent() const { return parent_; }
  Object* first_child() const { return first_child_; }
  Object* next_sibling() const { return next_sibling_; }
  // Its name below its parent; empty for a root.
  const std::string& name() const { return name_; }
  // "/objects/io0"; nothing for an object outside the tree.
  std::optional<std::string> path() const;
  // Where users see it, and where listeners hear of it.
  bool is_below_objects() const;
  bool is_empty() const { return first_child_ == nullptr; }  // no children
  // Null when there is none.
  Object* child(std::string_view name) const;
  // The tree takes a reference. Errors: `attempt to add duplicate property 'x' to object (type 't')`; a child
  // that already has a parent, or is a root; a name that is empty or has a '/'; more than kMaxLevels below
  // the root. A name that ends in "[*]" takes the first free number.
  Result<void> add_child(std::string_view name, Object& child);
  static constexpr std::size_t kMaxLevels = 10'000;

  // --- Properties ---
  // Looks among the properties of the class, then among this object's own. Null when there is none; children
  // are not included.
  const Property* find_property(std::string_view name) const;
  // Adds a property to this object alone; `release` runs once, when the property or the object is destroyed.
  // Errors: a name that is taken, is empty or has a '/'; a declaration that contradicts itself (see
  // object/property.h). A name that ends in "[*]" takes the first free number.
  Result<void> add_property(std::unique_ptr<Property> property, std::function<void(Object&)> release = {});
  // Removes one of this object's own properties. If its getter, setter or hook is running, the property is
  // destroyed, and `release` runs, once that returns. Errors: no such property.
  Result<void> delete_property(std::string_view name);
  // Children, oldest first, then properties in the order of declaration, base classes first.
  std::vector<PropertyView> property_views() const;

  // Errors: `Property 't.x' not found`, `... is not readable`, `... is not writable`,
  // `Property cannot be set after initialization`, the visitor's, the range's, and those of on_change.
  Result<void> get_property(std::string_view name, Visitor& visitor);
  Result<void> set_property(std::string_view name, Visitor& visitor);
  Result<Json> get_property(std::string_view name);
  Result<void> set_property(std::string_view name, const Json& value);
  // The property, if it may be set now. Errors: as above.
  Result<const Property*> settable_property(std::string_view name) const;
  // From text, as on a command line.
  Result<void> parse_property(std::string_view name, std::string_view text);

  // To be called after a property was set other than by set_property(): remembers that it was set, and
  // notifies listeners.
  void property_was_set(const Property& property);
  // Only remembers that it was set. Does nothing for an alias: the property of its target is the one that was
  // set.
  void remember_set(const Property& property, bool when_made = false);
  // What was set by command, on the command line or by the program while the object was in the tree, the
  // latest last: what a configuration must contain.
  std::vector<PropertyThatWasSet> set_properties() const;

  // --- Holders: those who use the object; object-del is refused while there are any ---
  [[nodiscard]] Hold hold(std::string_view kind, std::string_view name);
  // For a link: the holder is the object that owns it, by its type and the name that it has when asked.
  [[nodiscard]] Hold hold(const Object& owner);
  std::vector<Holder> holders() const;  // oldest first
  bool is_held() const;
  // For each of holders(), the object that owns the link; null for a holder that is not a link, or whose
  // owner has been destroyed.
  std::vector<const Object*> holding_objects() const;

  // Set after complete(). From then on properties declared until_complete() can't be set, and listeners hear
  // of the object.
  bool is_complete() const { return complete_; }
  void set_complete();

  // Made below /objects by object-add, --object or a configuration, or by the program in the same way (see
  // object_new_with_props): what query-config lists and object-del deletes. All else below /objects is the
  // program's own.
  bool is_user_made() const;
  void set_user_made() { user_made_ = true; }

 protected:
  Object();
  virtual ~Object();

  // Called when the object leaves the tree, before its parent is cleared; for example to stop what it runs.
  // Called once, even if the object is unparented again meanwhile.
  virtual void unparent() {}

 private:
  friend struct internal::ObjectAccess;
  friend class PropertyUse;

  void finalize() const;
  [[noreturn]] void wrong_count(std::uint32_t before) const;
  void destroy();
  internal::ObjectData& data();
  void leave_tree();
  void index_child(Object& child, std::string name);
  void unlink_child(Object& child);
  void forget_set(const Property& property);
  void free_deleted_properties();
  void release_children();
  Result<void> check_place(std::string_view name, const Object& child) const;
  Result<void> check_name_is_free(std::string_view name) const;
  // The name itself, or with the first free number in place of "[*]", which is taken then. Errors: it is
  // taken.
  Result<std::string> take_name(std::string_view name);
  void release_number(std::string_view name);

  const ObjectClass* class_ = nullptr;
  mutable std::atomic<std::uint32_t> references_ = 1;
  internal::Root root_ = internal::Root::none;  // a root never has a parent
  bool complete_ = false;
  bool user_made_ = false;
  bool leaving_ = false;                 // is being unparented
  bool ending_ = false;                  // has lost its last reference
  bool ended_in_use_ = false;            // the same, inside a PropertyUse, which has taken that one over
  std::atomic<std::uint32_t> uses_ = 0;  // see PropertyUse; written by the main thread
  Object* parent_ = nullptr;
  Object* first_child_ = nullptr;
  Object* last_child_ = nullptr;
  Object* previous_sibling_ = nullptr;
  Object* next_sibling_ = nullptr;
  std::string name_;
  std::unique_ptr<internal::ObjectData> data_;  // what few objects have
};

// Keeps an object, and properties of its own that are deleted meanwhile, while a callback runs that may do
// anything with the object. One is made for each call of a getter or a setter, so it counts without a locked
// instruction, where a Ref needs two. Thread: the main thread.
class PropertyUse {
 public:
  explicit PropertyUse(Object& object) : object_(object) {
    object.uses_.store(object.uses_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  ~PropertyUse() {
    if (object_.ended_in_use_ || object_.data_) {
      end();
    } else {
      object_.uses_.store(object_.uses_.load(std::memory_order_relaxed) - 1, std::memory_order_release);
    }
  }
  PropertyUse(const PropertyUse&) = delete;
  PropertyUse& operator=(const PropertyUse&) = delete;

 private:
  void end();
  Object& object_;
};

// The object as a T, or null. T is a class with a registered type_info, or an interface. Costs one
// comparison.
template <class T>
T* object_cast(Object* object);
template <class T>
const T* object_cast(const Object* object);

namespace internal {

// The class of a C++ type, once it is known; aborts if its type was never registered. `is_instance` tells
// objects of the C++ class from those of others.
const ObjectClass& class_of(const TypeInfo& info, bool (*is_instance)(const Object&));

template <class T>
const ObjectClass& class_of() {
  // Not a local static object: its lock and the registry's would be taken in both orders by class_init hooks.
  static std::atomic<const ObjectClass*> known = nullptr;
  const ObjectClass* klass = known.load(std::memory_order_acquire);
  if (!klass) [[unlikely]] {
    klass = &class_of(T::type_info, is_instance<T>);
    known.store(klass, std::memory_order_release);
  }
  return *klass;
}

}  // namespace internal

template <class T>
T* object_cast(Object* object) {
  if (!object || !object->object_class().is_a(internal::class_of<T>())) return nullptr;
  if constexpr (std::is_base_of_v<Object, T>) {
    debug_invariant([&] { return dynamic_cast<T*>(object) != nullptr; },
                    "object_cast() to a C++ class that the object is not of: does its TypeInfo have .create, "
                    "and the class a type_info of its own?");
    return static_cast<T*>(object);
  } else {
    return dynamic_cast<T*>(object);  // an interface: it is not an Object itself
  }
}

template <class T>
const T* object_cast(const Object* object) {
  return object_cast<T>(const_cast<Object*>(object));
}

// As above for one that must be a T: aborts with `Object 0x... is not an instance of type t`.
template <class T>
T& object_check(Object& object);

[[noreturn]] void object_check_failed(const Object& object, std::string_view type_name);

template <class T>
T& object_check(Object& object) {
  T* cast = object_cast<T>(&object);
  if (!cast) [[unlikely]]
    object_check_failed(object, T::type_info.name);
  return *cast;
}

}  // namespace qomio
