// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string_view>

#include "qomio/object/object.h"

namespace qomio::internal {

class ObserverList;

// Gives the functions that make and set objects and place them in trees access to private parts of Object.
struct ObjectAccess {
  static void set_class(Object& object, const ObjectClass& object_class) { object.class_ = &object_class; }
  static bool is_root(const Object& object) { return object.root_ != Root::none; }
  // From now on the object can't be added to a tree or unparented.
  static void make_root(Object& root, Root which) { root.root_ = which; }
  static ObjectData& data(Object& object);
  // Returns the observers of the object; null if it has none. Defined in object_data.h.
  static ObserverList* observers(const Object& object);
  static void property_was_set(Object& object, const Property& property, const Json* old_value) {
    object.property_was_set(property, old_value);
  }
  // See object_unparent().
  static void leave_tree(Object& object) { object.leave_tree(); }
  // The newest child that is not being unparented; null if all are, or there are no children.
  static Object* last_that_stays(const Object& object) {
    Object* child = object.last_child_;
    while (child && child->leaving_) child = child->previous_sibling_;
    return child;
  }
};

// See object_child_foreach_recursive().
int for_each_below(Object& parent, const std::function<int(Object&)>& visit);
// Calls `visit`, a function from outside the library, for one object of a traversal; see callback().
int visit_one(const std::function<int(Object&)>& visit, Object& object);

}  // namespace qomio::internal
