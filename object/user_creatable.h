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

// Making objects with properties, and the interface of those that users may make. Thread: the main thread.
namespace qomio {

// Implemented by types that object-add and --object may make. An interface: no data.
class UserCreatable {
 public:
  static const TypeInfo type_info;

  // Called once, after all properties are set and the object is in the tree; starts what the object does.
  // After an error the object is taken out of the tree and dropped, so its destructor must undo what had
  // begun.
  virtual Result<void> complete() { return {}; }
  // False refuses object-del: `object 'x' is in use, can not be deleted`. Holders refuse it, too.
  virtual bool can_be_deleted() const { return true; }

 protected:
  ~UserCreatable() = default;
};

// Makes an object of the type, sets its properties in this order, runs each of their on_change hooks once,
// adds it below `parent` as `id` and completes it. A failure at any step undoes all earlier ones. With an
// empty id it stays outside the tree. Below /objects, one of a type and with an id that object-add would take
// counts as made by users: they may delete it, unless somebody holds it. The program keeps what is its own
// under a name that is no id, such as "#clock". Errors: `invalid object type: t`, `object type 't' is
// abstract`, those of the properties, of the tree, of complete().
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

// object-add and --object: `options` is an object with qom-type, id and properties. The checks and their
// order are those of object-add; see docs of the command. Errors: all GenericError; an ill-formed id has a
// hint.
Result<Ref<Object>> user_creatable_add(const Json& options, Scalars scalars = Scalars::typed);
// object-del. Errors: `object 'x' not found`; `object 'x' belongs to the program, can not be deleted`, for
// what is below /objects and was not made as users do (see Object::is_user_made); `object 'x' is in use, can
// not be deleted`, with the holders of the object and of what lies below it in its data: {"holders":
// [{"kind": "export", "name": "disk0"}]}. Those among them that go with the object are no hindrance, unless
// they hold each other in a ring.
Result<void> user_creatable_del(std::string_view id);

// A letter, then letters, digits, '-', '.', '_'.
bool is_identifier(std::string_view id);

// Concrete types that implement user-creatable, by name.
std::vector<const ObjectClass*> user_creatable_classes();

template <class T>
Result<Ref<T>> object_new_with_props(std::string_view id,
                                     std::initializer_list<PropertyArgument> properties) {
  require_main_thread("object_new_with_props()");
  Object& parent = objects_root();  // before T's class is looked up: it makes the basic types known
  auto made = object_new_with_props(internal::class_of<T>(), parent, id, properties);
  if (!made) return failure(made);
  return Ref<T>::adopt(static_cast<T*>(made->release()));
}

}  // namespace qomio
