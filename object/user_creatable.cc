// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/user_creatable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <memory>
#include <new>
#include <vector>

#include "qomio/object/internal/class_data.h"
#include "qomio/object/internal/deletion.h"
#include "qomio/object/internal/property_batch.h"
#include "qomio/object/internal/scalar_visitor.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/json.h"

namespace qomio {

constinit const TypeInfo UserCreatable::type_info{
    .name = "user-creatable",
    .parent = "interface",
    .implemented_by = implements<UserCreatable>,
};

// The root of all interfaces.
static constinit const TypeInfo kInterface{.name = "interface", .abstract = true};

const TypeInfo* const internal::basic_types[] = {&Object::type_info, &kInterface, &Container::type_info,
                                                 &UserCreatable::type_info};

namespace {

// Maximum depth to which objects create other objects in complete(). Limits the stack.
constexpr unsigned kMaxNestedMaking = 500;

// Stores the value in an object that is destroyed if a later step fails.
Result<void> assign(Object& object, const Property& property, const PropertyArgument& given) {
  return std::visit(
      [&]<class T>(const T& value) {
        if constexpr (std::same_as<T, std::string_view>) {
          InputVisitor visitor(value);
          return property.assign(object, visitor);
        } else {
          internal::ScalarVisitor<T> visitor(true, value);
          return property.assign(object, visitor);
        }
      },
      given.value);
}

bool is_user_creatable(const ObjectClass& klass) {
  return !klass.is_abstract() && !klass.is_interface() && klass.is_a(internal::class_of<UserCreatable>());
}

// Whether users could create an object of this class, with this parent and id.
bool is_for_users(const ObjectClass& klass, const Object& parent, std::string_view id) {
  return &parent == &objects_root() && is_identifier(id) && is_user_creatable(klass);
}

// Adds an object, whose properties are set, to the tree and completes it.
Result<void> add_and_complete(Object& object, Object& parent, std::string_view id) {
  static unsigned nested = 0;  // used only by the main thread
  struct Nesting {
    Nesting() { ++nested; }
    ~Nesting() { --nested; }
  } const nesting;
  if (nested > kMaxNestedMaking) {
    return error("object '{}' can't be created: objects create each other at most {} levels deep", id,
                 kMaxNestedMaking);
  }
  if (is_for_users(object.object_class(), parent, id)) object.set_user_made();
  if (!id.empty()) {
    if (auto r = parent.add_child(id, object); !r) return r;
  }
  struct Undo {
    Object& object;
    ~Undo() {
      if (!object.is_complete()) object_unparent(object);
    }
  } const undo{object};
  if (auto* creatable = object_cast<UserCreatable>(&object)) {
    if (auto r = callback("complete() of", id, [&] { return creatable->complete(); }); !r) return r;
  }
  object.set_complete();
  return {};
}

// Calls `make`; returns an error if there is not enough memory. By then the unfinished object has been
// destroyed.
template <class Make>
Result<Ref<Object>> or_out_of_memory(const Make& make) {
  try {
    return make();
  } catch (const std::bad_alloc&) {
    return errno_error(ENOMEM, "Failed to create object");
  }
}

// Returns the option called `name`, which must be a string.
Result<std::string> string_option(const Json& options, const char* name, Scalars scalars) {
  const auto it = options.find(name);
  if (it == options.end()) return error("Parameter '{}' is missing", name);
  return from_json<std::string>(*it, name, scalars);
}

Result<Ref<Object>> make_with_props(const ObjectClass& object_class, Object& parent, std::string_view id,
                                    std::span<const PropertyArgument> properties) {
  auto object = object_new(object_class);
  if (!object) return object;
  // Stores values one by one, because the object is destroyed if a value is refused.
  const bool remember = is_for_users(object_class, parent, id);
  internal::ChangeHooks hooks;
  for (const PropertyArgument& given : properties) {
    auto property = (*object)->settable_property(given.name);
    if (!property) return failure(property);
    if (auto r = assign(**object, **property, given); !r) return failure(r);
    hooks.add(**property);
    if (remember) (*object)->remember_set(**property, /*when_made=*/true);
  }
  if (auto r = hooks.run(**object); !r) return failure(r);
  if (auto r = add_and_complete(**object, parent, id); !r) return failure(r);
  return object;
}

Result<Ref<Object>> make_from_options(const Json& options, Scalars scalars) {
  auto type_name = string_option(options, "qom-type", scalars);
  if (!type_name) return failure(type_name);
  const auto klass = object_class_by_name(*type_name);
  if (!klass || !is_user_creatable(**klass)) {
    return error("Parameter 'qom-type' does not accept value '{}'", *type_name);
  }
  auto id = string_option(options, "id", scalars);
  if (!id) return failure(id);

  auto object = object_new(*type_name);
  if (!object) return object;
  internal::PropertyBatch batch(**object);
  const std::string* unexpected = nullptr;
  for (const auto& option : options.get_ref<const Json::object_t&>()) {
    const auto& [name, value] = option;
    if (name == "qom-type" || name == "id") continue;
    const Property* property = (*object)->find_property(name);
    if (property && property->is_writable()) {
      batch.add(*property, value, scalars);
    } else if (!unexpected) {
      unexpected = &name;
    }
  }
  if (auto r = batch.read(); !r) return failure(r);
  if (unexpected) return error("Parameter '{}' is unexpected", *unexpected);
  if (!is_identifier(*id)) {
    return std::unexpected(
        Error(ErrorClass::GenericError, "Parameter 'id' expects an identifier",
              "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter."));
  }
  if (auto r = batch.check(); !r) return failure(r);
  if (auto r = batch.apply(); !r) return failure(r);
  batch.remember();
  if (auto r = add_and_complete(**object, objects_root(), *id); !r) return failure(r);
  return object;
}

// QEMU's sentence, followed by the holders, which QEMU does not have.
std::unexpected<Error> in_use(std::string_view id, const std::vector<Holder>& holders) {
  std::string names;
  for (const Holder& holder : holders) {
    names += (names.empty() ? " (held by: " : ", ") + holder.kind;
    if (!holder.name.empty()) names += ' ' + holder.name;
  }
  if (!holders.empty()) names += ')';
  auto refused = error("object '{}' is in use, can not be deleted{}", id, names);
  if (holders.empty()) return refused;
  Json data = to_json(holders);
  const JsonClearer clearer(data);
  refused.error().set_data(fmt::format(R"({{"holders": {}}})", json_text(data)));
  return refused;
}

}  // namespace

bool is_identifier(std::string_view id) {
  auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !id.empty() && is_letter(id[0]) && std::ranges::all_of(id, [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

std::vector<const ObjectClass*> user_creatable_classes() {
  auto classes = object_classes();
  std::erase_if(classes, [](const ObjectClass* klass) { return !is_user_creatable(*klass); });
  return classes;
}

Result<Ref<Object>> object_new_with_props(std::string_view type_name, Object& parent, std::string_view id,
                                          std::span<const PropertyArgument> properties) {
  auto klass = object_class_by_name(type_name);
  if (!klass) return error("invalid object type: {}", type_name);
  return object_new_with_props(**klass, parent, id, properties);
}

Result<Ref<Object>> object_new_with_props(const ObjectClass& object_class, Object& parent,
                                          std::string_view id, std::span<const PropertyArgument> properties) {
  require_main_thread("object_new_with_props()");
  return or_out_of_memory([&] { return make_with_props(object_class, parent, id, properties); });
}

Result<Ref<Object>> user_creatable_add(const Json& options, Scalars scalars) {
  require_main_thread("user_creatable_add()");
  return or_out_of_memory([&] { return make_from_options(options, scalars); });
}

Result<void> user_creatable_del(std::string_view id) {
  require_main_thread("user_creatable_del()");
  // Finds identifiers only: users cannot use other names, which the program gives to its own objects.
  Object* object = is_identifier(id) ? objects_root().child(id) : nullptr;
  if (!object) return error("object '{}' not found", id);
  if (!object->is_user_made()) return error("object '{}' belongs to the program, can not be deleted", id);
  const auto* creatable = object_cast<UserCreatable>(object);
  const Ref<Object> keep(*object);  // can_be_deleted() may unparent it
  const std::vector<Holder> holders = internal::holders_that_stay(*object);
  if (!holders.empty() ||
      (creatable && !callback("can_be_deleted() of", id, [&] { return creatable->can_be_deleted(); }))) {
    return in_use(id, holders);
  }
  object_unparent(*object);
  return {};
}

}  // namespace qomio
