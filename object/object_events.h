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
  virtual void added(Object& /*object*/) {}    // made, with all its properties set, and complete
  virtual void removed(Object& /*object*/) {}  // about to leave the tree
  // Set by anyone, through the property, after it was complete. What an object changes by itself isn't heard.
  virtual void changed(Object& /*object*/, const Property& /*property*/) {}
};

// Tells the listener of all that happens from now on, until it goes.
void object_listen(const std::shared_ptr<ObjectListener>& listener);

// OBJECT_ADDED, OBJECT_DELETED and OBJECT_CHANGED, for clients who ask for them with subscribe-events.
void add_object_events(Interface& interface);

namespace detail {

// Called by the tree and by properties.
void report_added(Object& object);
void report_removed(Object& object);
void report_changed(Object& object, const Property& property);

}  // namespace detail

}  // namespace qomio
