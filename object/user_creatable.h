// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "qomio/object/object.h"
#include "qomio/object/object_new.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/visitor.h"

// Functions that make objects with properties, and the interface of types that users may create. Thread: the
// main thread.
namespace qomio {

// Implemented by types whose objects object-add and --object may create. An interface, so it has no data.
class UserCreatable {
 public:
  static const TypeInfo type_info;

  // Called once, after all properties are set and the object has been added to the tree; starts the object's
  // work. After an error the object is unparented and released, so its destructor must undo what complete()
  // has started.
  virtual Result<void> complete() { return {}; }
  // Returning false makes object-del fail with `object 'x' is in use, can not be deleted`. So does a holder,
  // whom the error then names.
  virtual bool can_be_deleted() const { return true; }

 protected:
  ~UserCreatable() = default;
};

// Makes an object of the type, sets its properties in this order, calls each of their on_change hooks once,
// adds the object below `parent` as `id` and completes it. If a step fails, all earlier ones are undone. With
// an empty id the object stays outside the tree. An object directly below /objects whose type and id
// object-add would accept counts as user-made: users may delete it unless it has holders. Programs give their
// own objects a name that is not an identifier, such as "#clock". Errors: `invalid object type: t`,
// `object type 't' is abstract`; those of the properties, of the tree, and of complete().
//
//     auto io0 = object_new_with_props("iothread", objects_root(), "io0", {{"poll-max-ns", 16384}});
Result<Ref<Object>> object_new_with_props(std::string_view type_name, Object& parent, std::string_view id,
                                          std::span<const PropertyArgument> properties = {});
inline Result<Ref<Object>> object_new_with_props(std::string_view type_name, Object& parent,
                                                 std::string_view id,
                                                 std::initializer_list<PropertyArgument> properties) {
  return object_new_with_props(type_name, parent, id, std::span(properties.begin(), properties.size()));
}

// The same without looking the type up.
Result<Ref<Object>> object_new_with_props(const ObjectClass& object_class, Object& parent,
                                          std::string_view id, std::span<const PropertyArgument> properties);
inline Result<Ref<Object>> object_new_with_props(const ObjectClass& object_class, Object& parent,
                                                 std::string_view id,
                                                 std::initializer_list<PropertyArgument> properties) {
  return object_new_with_props(object_class, parent, id, std::span(properties.begin(), properties.size()));
}
// The same for a C++ type, below /objects.
template <class T>
Result<Ref<T>> object_new_with_props(std::string_view id,
                                     std::initializer_list<PropertyArgument> properties = {});

// Implements object-add and --object. `options` is a JSON object with qom-type, id and properties. The checks
// and their order are those of QEMU's object-add. Errors: GenericError, with a hint for an ill-formed id;
// those of properties and of complete() may have another class, such as DeviceNotFound for a link to a
// missing object.
Result<Ref<Object>> user_creatable_add(const Json& options, Scalars scalars = Scalars::typed);
// Implements object-del. Errors: `object 'x' not found`;
// `object 'x' belongs to the program, can not be deleted` for an object below /objects that is not user-made
// (see Object::is_user_made()); `object 'x' is in use, can not be deleted`. If the object or a descendant has
// holders, the message ends in ` (held by: export disk0, token-bucket b0)`, and the error's data lists them:
// {"holders": [{"kind": "export", "name": "disk0"}]}. Holders that are destroyed with the object do not
// count, unless they hold each other in a cycle.
Result<void> user_creatable_del(std::string_view id);

// Whether `id` is a letter followed by letters, digits, '-', '.' and '_'.
bool is_identifier(std::string_view id);

// Returns the concrete types that implement user-creatable, ordered by name.
std::vector<const ObjectClass*> user_creatable_classes();

template <class T>
Result<Ref<T>> object_new_with_props(std::string_view id,
                                     std::initializer_list<PropertyArgument> properties) {
  require_main_thread("object_new_with_props()");
  const auto object_class = internal::find_class<T>();
  if (!object_class) return std::unexpected(object_class.error());
  auto made = object_new_with_props(**object_class, objects_root(), id, properties);
  if (!made) return failure(made);
  return Ref<T>::adopt(static_cast<T*>(made->release()));
}

}  // namespace qomio
