// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace qomio {

class Object;
class Property;

// Is notified of changes to the objects below /objects. Thread: the main thread.
class ObjectListener {
 public:
  virtual ~ObjectListener() = default;
  // Called when an object below /objects becomes complete, with all its properties set, or when a complete
  // object is added there, alone or as a part of another object.
  virtual void added(Object& /*object*/) {}
  // Called when an object is about to leave the tree, alone or as a part of another object, which is reported
  // first.
  virtual void removed(Object& /*object*/) {}
  // Called when a property of a complete object was set by any caller, through the property. Changes that an
  // object makes to itself are not reported.
  virtual void changed(Object& /*object*/, const Property& /*property*/) {}
};

// Calls the listener for all events from now on, until it is destroyed. Does not keep it alive.
void object_listen(const std::shared_ptr<ObjectListener>& listener);

namespace internal {

// Checked first, so that nothing is prepared when there are no listeners.
bool has_listeners();
// Calls each listener. If there is no memory for a call, that listener is skipped; the change is not undone.
void notify_listeners(std::string_view object_name, const std::function<void(ObjectListener&)>& call);

}  // namespace internal

}  // namespace qomio
