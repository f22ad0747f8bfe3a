// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "qomio/object/property.h"
#include "qomio/object/type.h"
#include "qomio/qapi/error.h"

namespace qomio::internal {

// The data of a class other than its name and ancestors: how to make objects, hooks, properties.
struct ClassData {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  // Starts with the data that is inherited from the parent.
  ClassData(const TypeInfo& info, const ClassData* parent);

  // Checks that the first object of the class has the C++ class that its properties, its interfaces and casts
  // expect.
  Result<void> check_instance(const ObjectClass& own, const Object& object);
  // Sets `is_instance` and has the next new object checked. Casts to the class rely on it.
  void expect_instances(bool (*is_instance_now)(const Object&));

  TypeInfo info;
  std::atomic<bool> checked_instance = false;
  std::atomic<bool> is_registered = true;  // false: unregister_type() has taken the type back
  // Whether an object has the type's C++ class; null until that is known.
  std::atomic<bool (*)(const Object&)> is_instance = nullptr;
  std::unique_ptr<Error> mistake;  // the first one in its class_init
  std::vector<const ObjectClass*> interfaces;
  std::vector<void (*)(Object&)> init_hooks;  // of all ancestors and this class, base first
  std::vector<void (*)(Object&)> post_init_hooks;
  std::vector<void (*)(Object&)> finalize_hooks;
  std::vector<const Property*> properties;
  std::vector<std::uint32_t> name_keys;       // of the properties' names, see name_key()
  std::vector<const Property*> with_default;  // the properties that have a default
  std::unordered_map<std::string_view, const Property*, Hash, std::equal_to<>> index;
  std::vector<std::unique_ptr<Property>> own;
};

// Checks that a path can contain this name. Errors: it is empty or contains '/'.
Result<void> check_name(std::string_view name);

// The types that are always registered: object, interface, container and user-creatable. Defined in
// user_creatable.cc, the lowest-level file that includes the headers of all of them.
extern const TypeInfo* const basic_types[4];

}  // namespace qomio::internal
