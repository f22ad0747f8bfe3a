// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/error.h"
#include "qomio/qapi/member.h"

namespace qomio {

class Object;
class ObjectClass;
class Property;

namespace internal {
struct ClassData;
}

// Up to eight names. Usable in constant expressions, so that a TypeInfo can be a constant.
using InterfaceNames = internal::Names<8>;

// Describes a type. Register it explicitly, with register_type(). The parent and interfaces are looked up by
// name when the type is first used, so types may be registered in any order. `create` and `class_data` are
// inherited from the parent if left out.
struct TypeInfo {
  std::string_view name;  // at least 2 characters: a letter or 1-9, then letters, digits, '-', '_', '.'
  std::string_view parent = {};  // "object" for most; interfaces have "interface" or another interface
  bool abstract = false;
  InterfaceNames interfaces = {};
  // create<T>. Without it, objects have the parent's C++ class. The constructor must not call object_class(),
  // because the class is set after the constructor returns.
  Object* (*create)() = nullptr;
  void (*class_init)(ObjectClass&) = nullptr;  // called once, before the first instance is made
  // Called once for each derived class, before that class's own class_init.
  void (*class_base_init)(ObjectClass&) = nullptr;
  void (*instance_init)(Object&) = nullptr;         // base classes first
  void (*instance_post_init)(Object&) = nullptr;    // base classes first, after all instance_init
  void (*instance_finalize)(Object&) = nullptr;     // derived classes first, before the destructor
  const void* class_data = nullptr;                 // for hooks that several types share
  bool (*implemented_by)(const Object&) = nullptr;  // implements<T>, for an interface with a C++ class T
};

// For TypeInfo::create.
template <class T>
Object* create() {
  return new T;
}

// For TypeInfo::implemented_by: whether the object's C++ class derives from the interface T. Checked once for
// each type that lists the interface.
template <class T, class O = Object>
bool implements(const O& object) {
  return dynamic_cast<const T*>(&object) != nullptr;
}

// Registers a type and copies its strings. Registering the same TypeInfo object again does nothing.
// Thread-safe. Errors: `Registering 'x' which already exists`, `Registering 'x' with illegal type name`; more
// than eight interfaces.
Result<void> register_type(const TypeInfo& info);

// Takes a type back, for tests: its name is free again. Objects that exist keep their class. Registering the
// same TypeInfo again brings the same class back. Takes back the types first that derive from it.
// Thread-safe. Errors: `Type 'x' is not registered`, which also means that another TypeInfo has this name;
// `Type 'x' is used by type 'y'`, which derives from it or has it as an interface.
Result<void> unregister_type(const TypeInfo& info);

// Makes the classes of all types, which otherwise happens at first use. Call it after registering the types,
// so that a wrong declaration in a class_init is reported at once. Thread-safe. Errors: those of
// object_class_by_name() for the first type, ordered by name, whose class cannot be made.
Result<void> check_types();

// Returns the class of a type, which is made on first use. Thread-safe. A class_init hook may look up its own
// class, which is incomplete at that time, but no class derived from it. Errors: `unknown type 'x'`,
// `Type 'x' is missing its parent 'y'`, `missing interface 'i' for object 'x'`,
// `Type 'x' is its own ancestor`; other contradictions in the TypeInfo; mistakes that add() found, for
// example `Property 'x.p' is declared twice`. The types object, interface, container and user-creatable are
// always registered.
Result<const ObjectClass*> object_class_by_name(std::string_view name);

// Returns the classes of all types, ordered by name. Leaves out types whose class cannot be made and, when
// called from a class_init, that type and the types derived from it. Thread-safe.
std::vector<const ObjectClass*> object_classes();

// The data that all instances of a type share. Lives as long as the program. Does not change after
// class_init; from then on all functions except add() may be called from any thread.
class ObjectClass {
 public:
  ObjectClass(const TypeInfo& info, const ObjectClass* parent);
  ~ObjectClass();
  ObjectClass(const ObjectClass&) = delete;
  ObjectClass& operator=(const ObjectClass&) = delete;

  const std::string& name() const { return name_; }
  const ObjectClass* parent() const { return depth_ > 0 ? ancestors_[depth_ - 1] : nullptr; }
  bool is_abstract() const;
  bool is_interface() const { return is_interface_; }
  const void* class_data() const;
  // Interfaces of this class and its ancestors, inherited ones first.
  const std::vector<const ObjectClass*>& interfaces() const;

  // Whether this class is `other`, is derived from it, or implements it.
  bool is_a(const ObjectClass& other) const {
    return this == &other || derives_from(other) || (other.is_interface_ && implements(other));
  }

  // Declares a property. May be called only from class_init and class_base_init. If the name is taken, is
  // empty or contains '/', or the declaration contradicts itself (see object/property.h), the class cannot be
  // made. The result is valid as long as the class.
  const Property& add(std::unique_ptr<Property> property);

  // Properties of base classes come first; those of one class are in the order of declaration.
  const std::vector<const Property*>& properties() const;
  const Property* find_property(std::string_view name) const;

  // For the library itself.
  internal::ClassData& data() const { return *data_; }
  const std::vector<const ObjectClass*>& ancestors() const { return ancestors_; }

 private:
  bool derives_from(const ObjectClass& other) const {
    return other.depth_ <= depth_ && ancestors_[other.depth_] == &other;
  }
  bool implements(const ObjectClass& interface) const;

  std::string name_;
  std::size_t depth_ = 0;                      // number of ancestors above this class
  std::vector<const ObjectClass*> ancestors_;  // the root first, this one last
  bool is_interface_ = false;
  std::unique_ptr<internal::ClassData> data_;
};

}  // namespace qomio
