// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/object_listener.h"

#include <vector>

#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {
namespace {

constinit std::vector<std::weak_ptr<ObjectListener>> listeners;

}  // namespace

void object_listen(const std::shared_ptr<ObjectListener>& listener) {
  require_main_thread("object_listen()");
  std::erase_if(listeners, [](const auto& known) { return known.expired(); });
  listeners.push_back(listener);
}

bool internal::has_listeners() { return !listeners.empty(); }

void internal::notify_listeners(std::string_view object_name,
                                const std::function<void(ObjectListener&)>& call) {
  const auto present = listeners;  // listeners may be added or destroyed during the calls
  for (const auto& weak : present) {
    const auto listener = weak.lock();
    if (!listener) continue;
    unless_out_of_memory([&] { callback("listener for the object", object_name, [&] { call(*listener); }); });
  }
}

}  // namespace qomio
