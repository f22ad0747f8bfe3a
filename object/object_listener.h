// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace qomio {

class Object;
class Property;

// Hears what happens to the objects below /objects: those that users see and make. Thread: the main thread.
class ObjectListener {
 public:
  virtual ~ObjectListener() = default;
  // Made, with all its properties set, and complete; or added to the tree as a part of another object.
  virtual void added(Object& /*object*/) {}
  // About to leave the tree, alone or as a part of another object, for which this was called first.
  virtual void removed(Object& /*object*/) {}
  // Set by anyone, through the property, after it was complete. What an object changes by itself isn't heard.
  virtual void changed(Object& /*object*/, const Property& /*property*/) {}
};

// Calls the listener for all that happens from now on, until it is destroyed.
void object_listen(const std::shared_ptr<ObjectListener>& listener);

namespace internal {

// Asked first, so that nothing is prepared when there are no listeners.
bool has_listeners();
// Calls each listener. One that there is no memory for is left out: what has happened stays.
void notify_listeners(std::string_view object_name, const std::function<void(ObjectListener&)>& call);

}  // namespace internal

}  // namespace qomio
