// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/session.h"

#include <utility>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/json.h"

namespace qomio {

Session::Session(const CommandRegistry& registry, std::uint64_t id, SessionOptions options)
    : registry_(registry),
      id_(id),
      peer_(options.peer),
      on_event_(std::move(options.on_event)),
      access_(options.access) {}

void* Session::data_of(const std::type_info& type, std::shared_ptr<void> (*make)()) {
  require_main_thread("Session::data()");
  for (const Data& known : data_) {
    if (*known.type == type) return known.value.get();
  }
  return data_.emplace_back(&type, make()).value.get();
}

void Session::emit(std::string_view name) { emit(name, Json::object()); }

void Session::emit(std::string_view name, const Json& data) {
  invariant(data.is_object(), "the data of an event is an object");
  emit_written(name, internal::visit_value<Json>, &data);
}

void Session::emit_written(std::string_view name, internal::VisitValue write, const void* value) {
  if (is_open()) registry_.emit_written(name, write, value, this);
}

void Session::receive(std::string_view name, const Json& data) {
  if (!is_open() || !on_event_) return;
  const std::shared_ptr<Session> keep = shared_from_this();  // on_event may close it
  callback("receiver of the event", name, [&] { on_event_(name, data); });
}

void Session::close() {
  require_main_thread("the end of a Session");
  open_.store(false, std::memory_order_release);
  // Destructors may ask for other data, so they are called when theirs is out of the list.
  while (!data_.empty()) {
    const Data newest = std::move(data_.back());
    data_.pop_back();
  }
}

}  // namespace qomio
