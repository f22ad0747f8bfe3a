// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/user_creatable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <functional>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <vector>

#include "qomio/object/internal/deletion.h"
#include "qomio/object/internal/scalar_visitor.h"
#include "qomio/object/object_events.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/types.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {

constinit const TypeInfo UserCreatable::type_info{
    .name = "user-creatable",
    .parent = "interface",
    .implemented_by = implements<UserCreatable>,
};

namespace {


// Objects may make others while they are completed, and those others again: so many at most, on one stack.
constexpr unsigned kMaxNestedMaking = 500;

// The hooks of several properties of one object: each once, however many of its properties changed.
class ChangeHooks {
 public:
  void add(const Property& property) {
    const auto hook = property.on_change();
    if (hook && std::ranges::find(properties_, hook, &Property::on_change) == properties_.end())
      properties_.push_back(&property);
  }
  Result<void> run(Object& object) const {
    for (const Property* property : properties_) {
      if (auto r = property->run_hook(object); !r) return r;
    }
    return {};
  }

 private:
  std::vector<const Property*> properties_;  // one for each hook
};

// Several properties of one object on their way: read, checked, applied, or none of it.
class PropertyBatch {
 public:
  explicit PropertyBatch(Object& object) : object_(object), use_(object) {}

  void add(const Property& property, const Json& value, Scalars scalars) {
    entries_.push_back({&property, &value, scalars, nullptr});
    hooks_.add(property);
  }

  // Reads the values, in the order in which the class declares their properties.
  Result<void> read() {
    for (const Property* declared : object_.object_class().properties()) {
      for (Entry& entry : entries_) {
        if (entry.property != declared) continue;
        if (auto r = entry.read(object_); !r) return r;
      }
    }
    for (Entry& entry : entries_) {
      if (entry.change) continue;  // what is left is the object's own
      if (auto r = entry.read(object_); !r) return r;
    }
    return {};
  }

  Result<void> check() {
    for (Entry& entry : entries_) {
      if (auto r = entry.change->check(); !r) return r;
    }
    return {};
  }

  // What can't be read can't be put back, so it comes last, after the hooks. Errors: there is more than one
  // of the kind.
  Result<void> put_what_stays_last() {
    const auto stays = [](const Entry& entry) { return !entry.property->is_readable(); };
    const auto first = std::ranges::find_if(entries_, stays);
    if (first == entries_.end()) return {};
    const auto second = std::find_if(first + 1, entries_.end(), stays);
    if (second != entries_.end()) {
      return error("Properties '{}' and '{}' can't be read, so they can't be set together",
                   first->property->name(), second->property->name());
    }
    std::rotate(first, first + 1, entries_.end());
    can_revert_ = entries_.size() - 1;
    return {};
  }

  Result<void> apply() {
    std::size_t applied = 0;
    Result<void> result;
    const auto apply_up_to = [&](std::size_t end) {
      while (applied < end && result) {
        result = entries_[applied].change->apply();
        if (result) ++applied;
      }
    };
    const std::size_t before_hooks = std::min(can_revert_, entries_.size());
    apply_up_to(before_hooks);
    if (result) result = hooks_.run(object_);
    apply_up_to(entries_.size());
    if (result) {
      report();
      return {};
    }
    while (applied > 0) entries_[--applied].change->revert();
    (void)hooks_.run(object_);  // what was applied of the new values gives way to the old ones
    return result;
  }

  // For an object that isn't in the tree yet.
  void remember() {
    for (const Entry& entry : entries_) object_.remember_set(*entry.property, /*when_made=*/true);
  }

 private:
  void report() {
    for (const Entry& entry : entries_) {
      entry.change->report();
      object_.property_was_set(*entry.property);
    }
  }

  struct Entry {
    const Property* property;
    const Json* value;
    Scalars scalars;
    std::unique_ptr<PropertyChange> change;

    Result<void> read(Object& object) {
      InputVisitor visitor(*value, scalars);
      auto staged = property->stage(object, visitor);
      if (!staged) return failure(staged);
      change = std::move(*staged);
      return {};
    }
  };

  Object& object_;
  const PropertyUse use_;
  std::vector<Entry> entries_;
  std::size_t can_revert_ = SIZE_MAX;  // entries, from the first on; those behind are applied after the hooks
  ChangeHooks hooks_;
};

Result<void> set_all(Object& object, const Json& values, const std::function<Scalars(const Json&)>& scalars) {
  require_main_thread("object_set_props()");
  PropertyBatch batch(object);
  for (const auto& [name, value] : values.items()) {
    auto property = object.settable_property(name);
    if (!property) return failure(property);
    batch.add(**property, value, scalars(value));
  }
  if (auto r = batch.put_what_stays_last(); !r) return r;
  if (auto r = batch.read(); !r) return r;
  if (auto r = batch.check(); !r) return r;
  return batch.apply();
}

// Stores the value in an object that goes if a later step fails.
Result<void> assign(Object& object, const Property& property, const PropertyValue& given) {
  return std::visit(
      [&]<class T>(const T& value) {
        if constexpr (std::same_as<T, std::string_view>) {
          InputVisitor visitor(value);
          return property.assign(object, visitor);
        } else {
          detail::ScalarVisitor<T> visitor(true, value);
          return property.assign(object, visitor);
        }
      },
      given.value);
}

bool is_user_creatable(const ObjectClass& klass) {
  return !klass.is_abstract() && !klass.is_interface() && klass.is_a(detail::class_of<UserCreatable>());
}

// Would an object made so be one that users could have made?
bool is_for_users(const ObjectClass& klass, const Object& parent, std::string_view id) {
  return &parent == &objects_root() && is_identifier(id) && is_user_creatable(klass);
}

// Adds a finished object to the tree and starts it.
Result<void> add_and_complete(Object& object, Object& parent, std::string_view id) {
  static unsigned nested = 0;  // of the main thread
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

// What has been made so far is gone when the error is told.
template <class Make>
Result<Ref<Object>> or_out_of_memory(const Make& make) {
  try {
    return make();
  } catch (const std::bad_alloc&) {
    return errno_error(ENOMEM, "Failed to create object");
  }
}

// The string called `name` among the options.
Result<std::string> string_option(const Json& options, const char* name, Scalars scalars) {
  const auto it = options.find(name);
  if (it == options.end()) return error("Parameter '{}' is missing", name);
  return from_json<std::string>(*it, name, scalars);
}

Result<Ref<Object>> make_with_props(const ObjectClass& object_class, Object& parent, std::string_view id,
                                    std::span<const PropertyValue> properties) {
  auto object = object_new(object_class);
  if (!object) return object;
  // Stored one by one, since the object goes when one of them is refused.
  const bool remember = is_for_users(object_class, parent, id);
  ChangeHooks hooks;
  for (const PropertyValue& given : properties) {
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
  PropertyBatch batch(**object);
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

Result<void> object_set_props(Object& object, const Json& values, Scalars scalars) {
  return set_all(object, values, [scalars](const Json&) { return scalars; });
}

Result<void> object_set_props(Object& object, std::initializer_list<PropertyValue> properties) {
  Json values = Json::object();
  for (const PropertyValue& given : properties) {
    Json& value = values[std::string(given.name)];
    std::visit([&](auto scalar) { value = Json(scalar); }, given.value);
  }
  return set_all(object, values,
                 [](const Json& value) { return value.is_string() ? Scalars::text : Scalars::typed; });
}

Result<Ref<Object>> object_new_with_props(std::string_view type_name, Object& parent, std::string_view id,
                                          std::span<const PropertyValue> properties) {
  auto klass = object_class_by_name(type_name);
  if (!klass) return error("invalid object type: {}", type_name);
  return object_new_with_props(**klass, parent, id, properties);
}

Result<Ref<Object>> object_new_with_props(const ObjectClass& object_class, Object& parent,
                                          std::string_view id, std::span<const PropertyValue> properties) {
  require_main_thread("object_new_with_props()");
  return or_out_of_memory([&] { return make_with_props(object_class, parent, id, properties); });
}

Result<Ref<Object>> user_creatable_add(const Json& options, Scalars scalars) {
  require_main_thread("user_creatable_add()");
  return or_out_of_memory([&] { return make_from_options(options, scalars); });
}

Result<void> user_creatable_del(std::string_view id) {
  require_main_thread("user_creatable_del()");
  // Names that only the program gives aren't found: users can't say them.
  Object* object = is_identifier(id) ? objects_root().child(id) : nullptr;
  if (!object) return error("object '{}' not found", id);
  if (!object->is_user_made()) return error("object '{}' belongs to the program, can not be deleted", id);
  const auto* creatable = object_cast<UserCreatable>(object);
  const Ref<Object> keep(*object);  // whatever can_be_deleted() does
  const std::vector<Holder> holders = detail::holders_that_stay(*object);
  if (!holders.empty() ||
      (creatable && !callback("can_be_deleted() of", id, [&] { return creatable->can_be_deleted(); }))) {
    auto in_use = error("object '{}' is in use, can not be deleted", id);
    Json told = to_json(holders);
    const JsonClearer clearer(told);
    if (!holders.empty()) in_use.error().set_data(fmt::format(R"({{"holders": {}}})", json_text(told)));
    return in_use;
  }
  object_unparent(*object);
  return {};
}

}  // namespace qomio
