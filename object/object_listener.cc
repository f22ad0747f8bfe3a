// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/object_listener.h"

#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/listener_list.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {
namespace {

constinit internal::ListenerList<ObjectListener> listeners;

}  // namespace

void object_listen(const std::shared_ptr<ObjectListener>& listener) {
  require_main_thread("object_listen()");
  listeners.add(listener);
}

bool internal::has_listeners() { return !listeners.is_empty(); }

void internal::notify_listeners(std::string_view object_name,
                                const std::function<void(ObjectListener&)>& call) {
  listeners.for_each_present([&](ObjectListener& listener) {
    unless_out_of_memory([&] { callback("listener for the object", object_name, [&] { call(listener); }); });
  });
}

}  // namespace qomio
