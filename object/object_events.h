// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "qomio/object/object.h"

namespace qomio {

class Interface;

// What happens to the objects below /objects: those that users see and make. Thread: the main thread.
class ObjectListener {
 public:
  virtual ~ObjectListener() = default;
  // Made, with all its properties set, and complete; or put here with what it is below.
  virtual void added(Object& /*object*/) {}
  // About to leave the tree, alone or with what it is below, which is told of first.
  virtual void removed(Object& /*object*/) {}
  // Set by anyone, through the property, after it was complete. What an object changes by itself isn't heard.
  virtual void changed(Object& /*object*/, const Property& /*property*/) {}
};

// Tells the listener of all that happens from now on, until it goes.
void object_listen(const std::shared_ptr<ObjectListener>& listener);

// OBJECT_ADDED, OBJECT_DELETED and OBJECT_CHANGED, for clients who ask for them with subscribe-events.
void add_object_events(Interface& interface);

namespace detail {

// Called by the tree and by properties. Objects that are not complete, or not below /objects, are not told
// of.
void report_added(Object& object);
void report_tree_added(Object& object);  // the object and all below it
void report_removed(Object& object);
void report_removed_below(Object& object);  // all below the object, which has been told of
void report_changed(Object& object, const Property& property);

}  // namespace detail

}  // namespace qomio
