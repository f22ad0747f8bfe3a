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
#include "qomio/qapi/describe.h"
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

// A user of an object, as shown to people: {"kind": "export", "name": "disk0"}.
struct Holder {
  std::string kind;
  std::string name;
  bool operator==(const Holder&) const = default;
  static constexpr std::string_view type_name = "Holder";
  static constexpr auto members = member_list(member("kind", &Holder::kind), member("name", &Holder::name));
};

// Keeps an object alive and is listed among its holders until the Hold is destroyed. Made by Object::hold().
// Thread: the main thread.
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
  bool when_made;  // set while the object was made; making it again may require it
};

// One row of a property listing.
struct PropertyView {
  std::string name;
  std::string type_name;
};

// The base class of all objects. An object has a class, properties, a reference count and a place in the
// tree.
//
// Owns its children and the targets of its StrongLinks. Made by object_new() with one reference. The last
// unref() destroys it: it calls the release functions of the object's own properties, unparents its children,
// calls the instance_finalize hooks, derived classes first, and then the destructor.
//
// Thread: ref() and unref() may be called from any thread. All other functions belong to the main thread, and
// so does the last unref() of an object that has children, links or Holds, or that a WeakLink points to.
class Object {
 public:
  static const TypeInfo type_info;

  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  // The maximum number of references to an object. Exceeding it aborts, and so does releasing one reference
  // too many.
  static constexpr std::uint32_t kMaxReferences = std::uint32_t{1} << 28;
  void ref() const {
    const std::uint32_t before = references_.fetch_add(1, std::memory_order_relaxed);
    if (before - 1 >= kMaxReferences - 1) [[unlikely]]
      wrong_count(before);
  }
  void unref() const {
    // If this is the only reference, no other thread can change the count, so no locked instruction is
    // needed.
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
  // The name below the parent; empty without a parent.
  const std::string& name() const { return name_; }
  // The path, for example "/objects/io0"; nullopt for an object outside the tree.
  std::optional<std::string> path() const;
  bool is_empty() const { return first_child_ == nullptr; }  // no children
  // Null when there is none.
  Object* child(std::string_view name) const;
  // Adds a child; the tree takes a reference. If the name ends in "[*]", the first free number replaces the
  // '*'. Errors: `attempt to add duplicate property 'x' to object (type 't')`; a child that already has a
  // parent, is a root, or is an ancestor of this object; a name that is empty or contains '/'; more than
  // kMaxLevels below the root.
  Result<void> add_child(std::string_view name, Object& child);
  static constexpr std::size_t kMaxLevels = 10'000;

  // --- Properties ---
  // Searches the properties of the class, then this object's own, but not its children. Null when there is
  // none.
  const Property* find_property(std::string_view name) const;
  // Adds a property to this object only. `release` is called once, when the property or the object is
  // destroyed. If the name ends in "[*]", the first free number replaces the '*'. Errors: a name that is
  // taken, is empty or contains '/'; a declaration that contradicts itself (see object/property.h).
  Result<void> add_property(std::unique_ptr<Property> property, std::function<void(Object&)> release = {});
  // Deletes one of this object's own properties. If a getter, setter or hook of the object is running, the
  // property is destroyed, and `release` is called, after it has returned. Errors: no such property.
  Result<void> delete_property(std::string_view name);
  // Children, oldest first; then the properties of the class in the order of declaration, base classes first;
  // then the object's own.
  std::vector<PropertyView> property_views() const;

  // Errors: `Property 't.x' not found`, `... is not readable`, `... is not writable`,
  // `Property cannot be set after initialization`; those of the visitor, the range, the setter and the
  // on_change hook.
  Result<void> get_property(std::string_view name, Visitor& visitor);
  Result<void> set_property(std::string_view name, Visitor& visitor);
  Result<Json> get_property(std::string_view name);
  Result<void> set_property(std::string_view name, const Json& value);
  // Returns the property if it may be set now. Errors: as above.
  Result<const Property*> settable_property(std::string_view name) const;
  // Sets a property from text, as on a command line.
  Result<void> parse_property(std::string_view name, std::string_view text);

  // Reports that the object has changed a property itself, without set_property(): to observers
  // (object/observe.h), and to clients as OBJECT_CHANGED. Costs a comparison if nothing is observed. The
  // property must exist; otherwise the program aborts, in release builds only if something is observed.
  void notify(std::string_view property);
  // The same with the value before the change, for observers of objects and trees, which can't know it
  // otherwise: `const bool before = std::exchange(on_, now); notify("on", before);`
  template <class T>
  void notify(std::string_view property, const T& old_value) {
    report_own_change(property, internal::visit_value<T>, &old_value);
  }
  // Records that a property was set, without reporting it. Does nothing for an alias, because the target's
  // property is recorded instead.
  void remember_set(const Property& property, bool when_made = false);
  // The properties that were set by a command, on the command line, or by the program while the object was in
  // the tree; the most recently set is last. A configuration must contain them.
  std::vector<PropertyThatWasSet> set_properties() const;

  // --- Holders: users of the object. object-del is refused while it has any. ---
  [[nodiscard]] Hold hold(std::string_view kind, std::string_view name);
  // For a link: the holder is the object that owns the link. holders() returns its type and its current name.
  [[nodiscard]] Hold hold(const Object& owner);
  std::vector<Holder> holders() const;  // oldest first
  bool is_held() const;
  // For each entry of holders(), the object that owns the link; null for a holder that is not a link, or
  // whose owner has been destroyed.
  std::vector<const Object*> holding_objects() const;

  // Set after complete(). From then on, properties declared until_complete() cannot be set, and observers of
  // trees hear of the object.
  bool is_complete() const { return complete_; }
  void set_complete();

  // Whether the object was created directly below /objects by object-add, --object or a configuration, or by
  // the program in the same way (see object_new_with_props()). query-config lists these objects, and
  // object-del can delete them. All other objects below /objects belong to the program.
  bool is_user_made() const;
  void set_user_made() { user_made_ = true; }

 protected:
  Object();
  virtual ~Object();

  // Called when the object leaves the tree, before its parent is cleared; for example to stop its work. Not
  // called again if the object is unparented while it runs.
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
  void property_was_set(const Property& property, const Json* old_value);
  void report_own_change(std::string_view property, internal::VisitValue write, const void* old_value);
  void forget_set(const Property& property);
  void free_deleted_properties();
  void release_children();
  Result<void> check_place(std::string_view name, const Object& child) const;
  Result<void> check_name_is_free(std::string_view name) const;
  // Returns the name; if it ends in "[*]", with the first free number in place of the '*', which is then
  // taken. Errors: the name is taken, is empty or contains '/'.
  Result<std::string> take_name(std::string_view name);
  void release_number(std::string_view name);

  const ObjectClass* class_ = nullptr;
  mutable std::atomic<std::uint32_t> references_ = 1;
  internal::Root root_ = internal::Root::none;  // a root can't be added to a tree or unparented
  bool complete_ = false;
  bool user_made_ = false;
  bool leaving_ = false;                 // is being unparented
  bool ending_ = false;                  // has lost its last reference
  bool ended_in_use_ = false;            // has lost it inside a PropertyUse, which now owns that reference
  std::atomic<std::uint32_t> uses_ = 0;  // number of PropertyUses; written only by the main thread
  Object* parent_ = nullptr;
  Object* first_child_ = nullptr;
  Object* last_child_ = nullptr;
  Object* previous_sibling_ = nullptr;
  Object* next_sibling_ = nullptr;
  std::string name_;
  std::unique_ptr<internal::ObjectData> data_;  // null until it is needed
};

// Keeps an object, and own properties of it that are deleted meanwhile, alive during a callback that may do
// anything with the object. One is made for each call of a getter or setter, so it counts without locked
// instructions; a Ref needs two. Thread: the main thread.
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

// Returns the object as a T, or null if it is not a T. T is a class or an interface whose type_info is
// registered. For a class this costs a few comparisons, for an interface a dynamic_cast.
template <class T>
T* object_cast(Object* object);
template <class T>
const T* object_cast(const Object* object);

namespace internal {

// The class of T, once it has been found. Not a static initialised by a call: class_init hooks would take its
// lock and the registry's lock in the opposite order of other callers, and could deadlock.
template <class T>
inline constinit std::atomic<const ObjectClass*> known_class = nullptr;

// Returns the class of a C++ type. From then on the class uses `is_instance` to check that its objects have
// the C++ type. Errors: those of object_class_by_name().
Result<const ObjectClass*> find_class(const TypeInfo& info, bool (*is_instance)(const Object&));

template <class T>
Result<const ObjectClass*> find_class() {
  if (const ObjectClass* known = known_class<T>.load(std::memory_order_acquire)) return known;
  auto found = find_class(T::type_info, is_instance<T>);
  if (found) known_class<T>.store(*found, std::memory_order_release);
  return found;
}

// The same, where an error is a mistake in the program: aborts.
template <class T>
const ObjectClass& class_of() {
  if (const ObjectClass* known = known_class<T>.load(std::memory_order_acquire)) [[likely]]
    return *known;
  const auto found = find_class<T>();
  if (!found) broken_invariant(found.error().message());
  return **found;
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
    return dynamic_cast<T*>(object);  // an interface does not derive from Object
  }
}

template <class T>
const T* object_cast(const Object* object) {
  return object_cast<T>(const_cast<Object*>(object));
}

// Returns the object as a T; aborts with `Object 0x... is not an instance of type t` if it is not a T.
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
