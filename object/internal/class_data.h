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

// What a class has beside its name and its ancestors: what makes objects, hooks, properties.
struct ClassData {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  // Starts as what the parent passes on.
  ClassData(const TypeInfo& info, const ClassData* parent);

  // Whether the first object of the class is what its properties, its interfaces and the casts expect.
  Result<void> check_instance(const ObjectClass& own, const Object& object);
  // Casts to the class expect objects for which this is true.
  void expect_instances(bool (*is_instance_now)(const Object&));

  TypeInfo info;
  std::atomic<bool> checked_instance = false;
  std::atomic<bool (*)(const Object&)> is_instance = nullptr;  // of its C++ class, once that is known
  std::unique_ptr<Error> mistake;                              // the first of its class_init
  std::vector<const ObjectClass*> interfaces;
  std::vector<void (*)(Object&)> init_hooks;  // of all ancestors and its own, base first
  std::vector<void (*)(Object&)> post_init_hooks;
  std::vector<void (*)(Object&)> finalize_hooks;
  std::vector<const Property*> properties;
  std::vector<std::uint32_t> name_keys;       // of their names, see name_key()
  std::vector<const Property*> with_default;  // those of them
  std::unordered_map<std::string_view, const Property*, Hash, std::equal_to<>> index;
  std::vector<std::unique_ptr<Property>> own;
};

// Whether a path can contain this name. Errors: it is empty or has a '/'.
Result<void> check_name(std::string_view name);

// The types that are always registered: object, interface, container and user-creatable. Defined in
// user_creatable.cc, the lowest file that knows all of them.
extern const TypeInfo* const basic_types[4];

}  // namespace qomio::internal
