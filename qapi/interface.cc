// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/interface.h"

#include <fmt/format.h>
#include <glib.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <new>
#include <optional>

#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/internal/qmp/g_source.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

InputVisitor::Any any_values(const Command& command) {
  return command.passes_values_on ? InputVisitor::Any::all : InputVisitor::Any::json;
}

}  // namespace

Interface::Running::Running(const Interface& interface, const char* what)
    : place_(interface.running_), outside_(place_.load(std::memory_order_relaxed)) {
  place_.store(what, std::memory_order_release);
}

Interface::Running::~Running() { place_.store(outside_, std::memory_order_release); }

struct Interface::Pending {
  struct Told {
    std::string name;
    Json data;
  };

  explicit Pending(Interface& of) : interface(of) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() {
    for (Told& left : events) json_clear(left.data);
  }

  void put(std::string_view name, Json data) {
    const std::lock_guard lock(mutex);
    events.push_back({std::string(name), std::move(data)});
    if (source) return;
    source.emplace(nullptr, [this] { send(); });
    source->set_ready_time(0);
  }

  // One at a time: a listener may iterate the context, which goes on with the next.
  std::optional<Told> take() {
    const std::lock_guard lock(mutex);
    if (events.empty()) return std::nullopt;
    std::optional<Told> oldest(std::move(events.front()));
    events.pop_front();
    return oldest;
  }

  void send() {
    {
      const std::lock_guard lock(mutex);
      source.reset();
    }
    while (std::optional<Told> next = take()) {
      const JsonClearer clearer(next->data);
      if (interface.is_wanted(next->name)) interface.tell(next->name, next->data);
    }
  }

  Interface& interface;
  std::mutex mutex;  // guards the two
  std::deque<Told> events;
  std::optional<FdSource> source;  // will send them; a new one each time, as GLib does not nest one
};

Interface::~Interface() = default;

Interface::Interface() : pending_(std::make_unique<Pending>(*this)), package_("qomio-" QOMIO_VERSION) {}

Interface& Interface::process() {
  static Interface interface;
  return interface;
}

void Interface::add(Command command) {
  require_main_thread("Interface::add()");
  invariant(!command.allow_oob || command.run, "a command out of band answers at once");
  std::string name = command.name;
  command.running_text = g_intern_string(fmt::format("command '{}'", name).c_str());
  commands_.insert_or_assign(std::move(name), std::move(command));
}

void Interface::add(Event event) {
  require_main_thread("Interface::add()");
  std::string name = event.name;
  events_.insert_or_assign(std::move(name), std::move(event));
}

void Interface::remove_command(std::string_view name) {
  require_main_thread("Interface::remove_command()");
  if (const auto it = commands_.find(name); it != commands_.end()) commands_.erase(it);
}

void Interface::enable_command(std::string_view name, bool enabled) {
  require_main_thread("Interface::enable_command()");
  const auto it = commands_.find(name);
  invariant(it != commands_.end(), "a command must be added before it is enabled or disabled");
  it->second.is_enabled = enabled;
}

const Command* Interface::find_command(std::string_view name) const {
  const auto it = commands_.find(name);
  return it == commands_.end() ? nullptr : &it->second;
}

Result<const Command*> Interface::allowed_command(std::string_view name, Access access) const {
  const Command* command = find_command(name);
  if (!command) return error(ErrorClass::CommandNotFound, "The command {} has not been found", name);
  if (!command->is_enabled) {
    return error(ErrorClass::CommandNotFound, "Command {} has been disabled", name);
  }
  if (!command->is_offered(access)) {
    return error(ErrorClass::CommandNotFound, "The command {} is not allowed: access is read-only", name);
  }
  if (auto r = compat_.check("command", name, command->features); !r) return failure(r);
  return command;
}

Result<Json> Interface::run(const Command& command, const Json& arguments) const {
  require_main_thread("Interface::run()");
  const Running running(*this, command.running_text);
  if (compat_.rejects_some()) {
    if (auto r = compat_.check_input(arguments, command.arguments()); !r) return failure(r);
  }
  // Copies are called: the command may remove itself.
  const auto function = command.run;
  const auto result_type = command.result;
  InputVisitor input(arguments, Scalars::typed, any_values(command));
  OutputVisitor output;
  auto done =
      callback([text = command.running_text] { return text; }, [&] { return function(input, output); });
  if (!done) return failure(done);
  Json result = output.take();
  if (compat_.hides_some()) compat_.filter_output(result, result_type());
  return result;
}

void Interface::start(const Command& command, const Json& arguments, Access access,
                      const Reply& reply) const {
  if (!command.start) return reply.send(run(command, arguments));
  require_main_thread("Interface::start()");
  const Running running(*this, command.running_text);
  InputVisitor input(arguments, Scalars::typed, any_values(command));
  const auto start = [text = command.running_text, function = command.start](const CommandCall& given) {
    callback([&] { return text; }, [&] { function(given); });
  };
  if (compat_.rejects_some()) {
    if (auto r = compat_.check_input(arguments, command.arguments()); !r) return reply.send(r.error());
  }
  if (!compat_.hides_some()) return start({input, access, reply});
  const Reply whole([reply, policy = compat_, type = command.result](Result<Json> result) {
    if (result) policy.filter_output(*result, type());
    reply.send(std::move(result));
  });
  reply.on_cancel(whole.canceller());
  start({input, access, whole});
}

Result<Json> Interface::run(std::string_view name, const Json& arguments, Access access) const {
  const auto command = allowed_command(name, access);
  if (!command) return std::unexpected(command.error());
  if ((*command)->run) return run(**command, arguments);
  const auto answer = std::make_shared<std::optional<Result<Json>>>();
  const Reply reply([answer](Result<Json> given) { *answer = std::move(given); });
  start(**command, arguments, access, reply);
  reply.cancel();
  if (!*answer) return error("The command {} does not answer at once", name);
  return std::move(**answer);
}

bool Interface::Listener::wants_event(std::string_view name) const {
  return !wants || callback("filter of a listener for the event", name, [&] { return wants(name); });
}

bool Interface::is_wanted(std::string_view name) const {
  require_main_thread("Interface::is_wanted()", "Interface::emit()");
  const auto event = events_.find(name);
  invariant(event != events_.end(), "an event must be added before it is sent");
  if (compat_.hides(event->second.features)) return false;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {  // a filter may change them
    const auto listener = listeners_[i].lock();
    if (listener && listener->wants_event(name)) return true;
  }
  return false;
}

template <class Make>
void Interface::emit_made(std::string_view name, const Make& make) {
  if (!in_main_thread()) return unless_out_of_memory([&] { pending_->put(name, make()); });
  if (!is_wanted(name)) return;
  unless_out_of_memory([&] {
    Json data = make();
    const JsonClearer clearer(data);
    tell(name, data);
  });
}

void Interface::emit(std::string_view name, const Json& data) {
  emit_made(name, [&] { return data; });
}

void Interface::emit_written(std::string_view name, void (*write)(Visitor& visitor, void* value),
                             const void* value) {
  emit_made(name, [&] {
    OutputVisitor visitor;
    write(visitor, const_cast<void*>(value));  // which an output visitor only reads
    return visitor.take();
  });
}

void Interface::tell(std::string_view name, Json& data) {
  unless_out_of_memory([&] {
    if (compat_.hides_some()) compat_.filter_output(data, events_.find(name)->second.data());
    const auto present = listeners_;  // listeners come and go during the calls
    for (const auto& weak : present) {
      const auto listener = weak.lock();
      if (!listener) continue;
      unless_out_of_memory([&] {
        if (!listener->wants_event(name)) return;
        callback("listener of the event", name, [&] { listener->tell(name, data); });
      });
    }
  });
}

std::shared_ptr<void> Interface::listen(EventListener listener, EventFilter wants) {
  require_main_thread("Interface::listen()");
  auto owner = std::make_shared<Listener>(Listener{std::move(listener), std::move(wants)});
  std::erase_if(listeners_, [](const auto& known) { return known.expired(); });
  listeners_.push_back(owner);
  return owner;
}

}  // namespace qomio
