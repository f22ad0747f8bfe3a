// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "qomio/qapi/error.h"
#include "qomio/qapi/member.h"

namespace qomio {

class Object;
class ObjectClass;
class Property;
template <class T>
class Ref;
struct TypeInfo;

namespace detail {
const ObjectClass& class_of(const TypeInfo& info, bool (*is_instance)(const Object&));
}

// Up to eight names; a constant, so that a TypeInfo can be one.
using InterfaceNames = detail::Names<8>;

// All that makes a type. Registered once, explicitly; parents and interfaces are found by name when the type
// is first used, so the order of registrations is free. What is left out comes from the parent, or is
// nothing.
struct TypeInfo {
  std::string_view name;  // at least 2 characters: a letter or 1-9, then letters, digits, '-', '_', '.'
  std::string_view parent = {};  // "object" for most; interfaces have "interface" or another interface
  bool abstract = false;
  InterfaceNames interfaces = {};
  Object* (*create)() = nullptr;  // create<T>, without which the parent's C++ class is made; the constructor
                                  // must not use the type's class: it is not there yet
  void (*class_init)(ObjectClass&) = nullptr;  // once, before the first instance
  void (*class_base_init)(ObjectClass&) =
      nullptr;                               // once for each class derived from it, before its class_init
  void (*instance_init)(Object&) = nullptr;  // base first
  void (*instance_post_init)(Object&) = nullptr;    // base first, after all instance_init
  void (*instance_finalize)(Object&) = nullptr;     // derived first, before the destructor
  const void* class_data = nullptr;                 // for hooks shared by several types
  bool (*implemented_by)(const Object&) = nullptr;  // of an interface with a C++ class: implements<T>
};

// For TypeInfo::create.
template <class T>
Object* create() {
  return new T;
}

// For TypeInfo::implemented_by: checks once a type that the C++ class really derives from the interface it
// lists.
template <class T, class O = Object>
bool implements(const O& object) {
  return dynamic_cast<const T*>(&object) != nullptr;
}

// Makes a type known. The strings are copied. Registering the very same TypeInfo again does nothing.
// Thread-safe. Errors: `Registering 'x' which already exists`, `Registering 'x' with illegal type name`; more
// than eight interfaces.
Result<void> register_type(const TypeInfo& info);

// Makes the classes of all types, which otherwise happens at first use: for a program to call once it has
// registered its own, so that what a class_init declares wrongly is told then. Thread-safe. Errors: those of
// object_class_by_name(), of the first type, by name, whose class can't be made.
Result<void> check_types();

// The class of a type, made on first use. Thread-safe. From its own class_init it may be had, as far as it
// has come; types derived from it may not. Errors: `unknown type 'x'`, `Type 'x' is missing its parent 'y'`,
// `missing interface 'i' for object 'x'`, `Type 'x' is its own ancestor`; what add() found wrong, as
// `Property 'x.p' is declared twice`. The types object, interface, container and user-creatable are always
// there.
Result<const ObjectClass*> object_class_by_name(std::string_view name);

// The classes of all types, by name; types whose class can't be made are left out, and so are, within a
// class_init, its own and those derived from it. Thread-safe.
std::vector<const ObjectClass*> object_classes();

// What all instances of a type share. Lives as long as the program. After class_init it never changes, and
// all but add() may be called from any thread.
class ObjectClass {
 public:
  ObjectClass(const TypeInfo& info, const ObjectClass* parent);
  ~ObjectClass();
  ObjectClass(const ObjectClass&) = delete;
  ObjectClass& operator=(const ObjectClass&) = delete;

  const std::string& name() const { return name_; }
  const ObjectClass* parent() const { return depth_ > 0 ? ancestors_[depth_ - 1] : nullptr; }
  bool is_abstract() const { return info_.abstract; }
  bool is_interface() const { return is_interface_; }
  const void* class_data() const { return info_.class_data; }
  // Interfaces of this class and its ancestors, inherited ones first.
  const std::vector<const ObjectClass*>& interfaces() const { return interfaces_; }

  // Is this class `other`, derived from it, or does it implement it?
  bool is_a(const ObjectClass& other) const {
    return this == &other || derives_from(other) || (other.is_interface_ && implements(other));
  }

  // Declares a property; from class_init only. One whose name is taken, empty or has a '/', or whose
  // declaration contradicts itself (see object/property.h), is an error of making the class. The result lasts
  // as long as the class.
  const Property& add(std::unique_ptr<Property> property);

  // Properties of base classes first, each in the order of declaration.
  const std::vector<const Property*>& properties() const { return properties_; }
  const Property* find_property(std::string_view name) const;

 private:
  friend class TypeRegistry;
  friend class Object;
  friend Result<Ref<Object>> object_new(const ObjectClass& object_class);

  bool derives_from(const ObjectClass& other) const {
    return other.depth_ <= depth_ && ancestors_[other.depth_] == &other;
  }
  bool implements(const ObjectClass& interface) const;
  Result<Ref<Object>> instantiate() const;
  void finalize(Object& object) const;
  // Is the first object of the class what the properties, the interfaces and the casts take it for?
  Result<void> check_instance(const Object& object) const;
  void expect_instances(bool (*is_instance)(const Object&)) const;
  friend const ObjectClass& detail::class_of(const TypeInfo& info, bool (*is_instance)(const Object&));

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::string name_;
  TypeInfo info_;
  bool is_interface_ = false;
  mutable std::atomic<bool> checked_instance_ = false;
  mutable std::atomic<bool (*)(const Object&)> is_instance_ =
      nullptr;                                 // of its C++ class, once that is known
  std::unique_ptr<Error> mistake_;             // the first of its class_init
  std::size_t depth_ = 0;                      // of this class below its root
  std::vector<const ObjectClass*> ancestors_;  // the root first, this one last
  std::vector<const ObjectClass*> interfaces_;
  std::vector<void (*)(Object&)> init_hooks_;  // of all ancestors and its own, base first
  std::vector<void (*)(Object&)> post_init_hooks_;
  std::vector<void (*)(Object&)> finalize_hooks_;
  std::vector<const Property*> properties_;
  std::vector<std::uint32_t> name_keys_;       // of their names, see name_key()
  std::vector<const Property*> with_default_;  // those of them
  std::unordered_map<std::string_view, const Property*, Hash, std::equal_to<>> index_;
  std::vector<std::unique_ptr<Property>> own_;
};

}  // namespace qomio
