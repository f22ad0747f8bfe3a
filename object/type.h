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

// Up to eight names; a constant, so that a TypeInfo can be one.
using InterfaceNames = internal::Names<8>;

// Describes a type. Registered once, explicitly; parents and interfaces are found by name when the type is
// first used, so types may be registered in any order. Members that are left out are inherited from the
// parent, or empty.
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

// Makes the classes of all types, which otherwise happens at first use. A program calls it after registering
// its types, so that a wrong declaration in a class_init is reported at once. Thread-safe. Errors: those of
// object_class_by_name(), of the first type, by name, whose class can't be made.
Result<void> check_types();

// The class of a type, made on first use. Thread-safe. A class_init hook may look up its own class, which is
// unfinished then, but no type derived from it. Errors: `unknown type 'x'`, `Type 'x' is missing its parent
// 'y'`, `missing interface 'i' for object 'x'`, `Type 'x' is its own ancestor`; what add() found wrong, as
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
  bool is_abstract() const;
  bool is_interface() const { return is_interface_; }
  const void* class_data() const;
  // Interfaces of this class and its ancestors, inherited ones first.
  const std::vector<const ObjectClass*>& interfaces() const;

  // Whether this class is `other`, is derived from it, or implements it.
  bool is_a(const ObjectClass& other) const {
    return this == &other || derives_from(other) || (other.is_interface_ && implements(other));
  }

  // Declares a property; from class_init only. One whose name is taken, empty or has a '/', or whose
  // declaration contradicts itself (see object/property.h), is an error of making the class. The result lasts
  // as long as the class.
  const Property& add(std::unique_ptr<Property> property);

  // Properties of base classes first, each in the order of declaration.
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
  std::size_t depth_ = 0;                      // of this class below its root
  std::vector<const ObjectClass*> ancestors_;  // the root first, this one last
  bool is_interface_ = false;
  std::unique_ptr<internal::ClassData> data_;
};

}  // namespace qomio
