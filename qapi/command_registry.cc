// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/command_registry.h"

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
#include "qomio/qapi/internal/listener_list.h"
#include "qomio/qapi/internal/main_thread.h"
#include "qomio/qapi/internal/qmp/g_source.h"
#include "qomio/qapi/json.h"

namespace qomio {

Event event(std::string_view name, std::string_view description) {
  return {std::string(name), std::string(description), [] -> const TypeDescription& { return empty_type(); }};
}

namespace {

InputVisitor::Any any_values(const Command& command) {
  return command.passes_values_on ? InputVisitor::Any::all : InputVisitor::Any::json;
}

struct Listener {
  CommandRegistry::EventListener tell;
  CommandRegistry::EventFilter wants;
  bool wants_event(std::string_view name) const {
    return !wants || callback("filter of a listener for the event", name, [&] { return wants(name); });
  }
};

struct PendingEvent {
  std::string name;
  Json data;
  std::optional<std::weak_ptr<Session>> only;  // the session to which it is sent; none: to all listeners
};

}  // namespace

struct CommandRegistry::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (PendingEvent& left : pending) json_clear(left.data);
  }

  // `only` is the session to which the event is sent; null: to all listeners.
  bool is_wanted(std::string_view name, const Session* only) {
    const auto event = events.find(name);
    if (event == events.end()) {
      broken_invariant(fmt::format("the event '{}' was not added to the registry before it was sent", name));
    }
    if (compat.hides(event->second.features)) return false;
    if (only) return only->is_open();
    return listeners.any_of([&](const Listener& listener) { return listener.wants_event(name); });
  }

  void tell(std::string_view name, Json& data, Session* only) {
    unless_out_of_memory([&] {
      if (compat.hides_some()) compat.filter_output(data, events.find(name)->second.data());
      if (only) return only->receive(name, data);
      listeners.for_each_present([&](const Listener& listener) {
        unless_out_of_memory([&] {
          if (!listener.wants_event(name)) return;
          callback("listener of the event", name, [&] { listener.tell(name, data); });
        });
      });
    });
  }

  template <class Make>
  void emit(std::string_view name, const Make& make, Session* only = nullptr) {
    if (!in_main_thread()) return unless_out_of_memory([&] { put_pending(name, make(), only); });
    if (!is_wanted(name, only)) return;
    unless_out_of_memory([&] {
      Json data = make();
      const JsonClearer clearer(data);
      tell(name, data, only);
    });
  }

  void put_pending(std::string_view name, Json data, Session* only) {
    PendingEvent event{std::string(name), std::move(data), std::nullopt};
    if (only) event.only = only->weak_from_this();
    const std::lock_guard lock(mutex);
    pending.push_back(std::move(event));
    if (source) return;
    source.emplace(nullptr, [this] { send_pending(); });
    source->set_ready_time(0);
  }

  // Takes one event at a time: a listener may iterate the context, which then sends the next events.
  std::optional<PendingEvent> take_pending() {
    const std::lock_guard lock(mutex);
    if (pending.empty()) return std::nullopt;
    std::optional<PendingEvent> oldest(std::move(pending.front()));
    pending.pop_front();
    return oldest;
  }

  void send_pending() {
    {
      const std::lock_guard lock(mutex);
      source.reset();
    }
    while (std::optional<PendingEvent> next = take_pending()) {
      const JsonClearer clearer(next->data);
      const std::shared_ptr<Session> only = next->only ? next->only->lock() : nullptr;
      if (next->only && !only) continue;
      if (is_wanted(next->name, only.get())) tell(next->name, next->data, only.get());
    }
  }

  std::map<std::string, Command, std::less<>> commands;
  std::map<std::string, Event, std::less<>> events;
  internal::ListenerList<Listener> listeners;
  CompatPolicy compat;
  std::string package = "qomio-" QOMIO_VERSION;
  std::uint64_t opened_sessions = 0;

  // Events emitted by other threads, oldest first, and the source that will send them. Each batch needs a new
  // source, since GLib does not dispatch a source recursively.
  std::mutex mutex;  // guards both members
  std::deque<PendingEvent> pending;
  std::optional<FdSource> source;
};

CommandRegistry::Running::Running(const CommandRegistry& registry, const char* what)
    : place_(registry.running_), outside_(place_.load(std::memory_order_relaxed)) {
  place_.store(what, std::memory_order_release);
}

CommandRegistry::Running::~Running() { place_.store(outside_, std::memory_order_release); }

CommandRegistry::CommandRegistry() : state_(std::make_unique<State>()) {}

// What commands and events own may emit events until it is destroyed, for example by a thread that it joins.
CommandRegistry::~CommandRegistry() {
  state_->commands.clear();
  for (auto& [name, event] : state_->events) event.source.reset();
}

const std::map<std::string, Command, std::less<>>& CommandRegistry::commands() const {
  return state_->commands;
}
const std::map<std::string, Event, std::less<>>& CommandRegistry::events() const { return state_->events; }
void CommandRegistry::set_package(std::string_view name_and_version) { state_->package = name_and_version; }
const std::string& CommandRegistry::package() const { return state_->package; }
void CommandRegistry::set_compat(const CompatPolicy& policy) { state_->compat = policy; }
const CompatPolicy& CommandRegistry::compat() const { return state_->compat; }

void CommandRegistry::add(Command command) {
  require_main_thread("CommandRegistry::add()");
  invariant(!command.allow_oob || command.run, "a command out of band answers at once");
  std::string name = command.name;
  command.running_text = g_intern_string(fmt::format("command '{}'", name).c_str());
  state_->commands.insert_or_assign(std::move(name), std::move(command));
}

void CommandRegistry::add(Event event) {
  require_main_thread("CommandRegistry::add()");
  std::string name = event.name;
  state_->events.insert_or_assign(std::move(name), std::move(event));
}

void CommandRegistry::remove_command(std::string_view name) {
  require_main_thread("CommandRegistry::remove_command()");
  if (const auto it = state_->commands.find(name); it != state_->commands.end()) state_->commands.erase(it);
}

void CommandRegistry::enable_command(std::string_view name, bool enabled) {
  require_main_thread("CommandRegistry::enable_command()");
  const auto it = state_->commands.find(name);
  invariant(it != state_->commands.end(), "a command must be added before it is enabled or disabled");
  it->second.is_enabled = enabled;
}

const Command* CommandRegistry::find_command(std::string_view name) const {
  const auto it = state_->commands.find(name);
  return it == state_->commands.end() ? nullptr : &it->second;
}

Result<const Command*> CommandRegistry::allowed_command(std::string_view name, Access access) const {
  const Command* command = find_command(name);
  if (!command) return error(ErrorClass::CommandNotFound, "The command {} has not been found", name);
  if (!command->is_enabled) {
    return error(ErrorClass::CommandNotFound, "Command {} has been disabled", name);
  }
  if (!command->is_offered(access)) {
    return error(ErrorClass::CommandNotFound, "The command {} is not allowed: access is read-only", name);
  }
  if (auto r = state_->compat.check("command", name, command->features); !r) return failure(r);
  return command;
}

Result<Json> CommandRegistry::run(const Command& command, const Json& arguments, Session& session) const {
  require_main_thread("CommandRegistry::run()");
  const Running running(*this, command.running_text);
  if (state_->compat.rejects_some()) {
    if (auto r = state_->compat.check_input(arguments, command.arguments()); !r) return failure(r);
  }
  // Calls copies, since the command may remove itself.
  const auto function = command.run;
  const auto result_type = command.result;
  InputVisitor input(arguments, Scalars::typed, any_values(command));
  OutputVisitor output;
  auto done = callback([text = command.running_text] { return text; },
                       [&] { return function(input, output, session); });
  if (!done) return failure(done);
  Json result = output.take();
  if (state_->compat.hides_some()) state_->compat.filter_output(result, result_type());
  return result;
}

void CommandRegistry::start(const Command& command, const Json& arguments, Session& session,
                            const Reply& reply) const {
  if (!command.start) return reply.send(run(command, arguments, session));
  require_main_thread("CommandRegistry::start()");
  const Running running(*this, command.running_text);
  InputVisitor input(arguments, Scalars::typed, any_values(command));
  const auto start = [text = command.running_text, function = command.start](const CommandCall& given) {
    callback([&] { return text; }, [&] { function(given); });
  };
  if (state_->compat.rejects_some()) {
    if (auto r = state_->compat.check_input(arguments, command.arguments()); !r) return reply.send(r.error());
  }
  if (!state_->compat.hides_some()) return start({input, session, reply});
  const Reply whole([reply, policy = state_->compat, type = command.result](Result<Json> result) {
    if (result) policy.filter_output(*result, type());
    reply.send(std::move(result));
  });
  reply.on_cancel(whole.canceller());
  start({input, session, whole});
}

Result<Json> CommandRegistry::run(std::string_view name, const Json& arguments, Session& session) const {
  const auto command = allowed_command(name, session.access());
  if (!command) return std::unexpected(command.error());
  if ((*command)->run) return run(**command, arguments, session);
  const auto answer = std::make_shared<std::optional<Result<Json>>>();
  const Reply reply([answer](Result<Json> given) { *answer = std::move(given); });
  start(**command, arguments, session, reply);
  reply.cancel();
  if (!*answer) return error("The command {} does not answer at once", name);
  return std::move(**answer);
}

Result<Json> CommandRegistry::run(std::string_view name, const Json& arguments) const {
  const OpenSession session = open_session();
  return run(name, arguments, *session);
}

OpenSession CommandRegistry::open_session(SessionOptions options) const {
  require_main_thread("CommandRegistry::open_session()");
  std::shared_ptr<Session> session(new Session(*this, ++state_->opened_sessions, std::move(options)));
  Session* const opened = session.get();
  return OpenSession(opened, CloseSession{std::move(session)});
}

bool CommandRegistry::is_wanted(std::string_view name) const {
  require_main_thread("CommandRegistry::is_wanted()", "CommandRegistry::emit()");
  return state_->is_wanted(name, nullptr);
}

void CommandRegistry::emit(std::string_view name) {
  state_->emit(name, [] { return Json::object(); });
}

void CommandRegistry::emit(std::string_view name, const Json& data) {
  invariant(data.is_object(), "the data of an event is an object");
  state_->emit(name, [&] { return data; });
}

void CommandRegistry::emit_written(std::string_view name, internal::VisitValue write, const void* value,
                                   Session* only) const {
  state_->emit(name, [&] { return internal::write_json(write, value); }, only);
}

std::shared_ptr<void> CommandRegistry::listen(EventListener listener, EventFilter wants) {
  require_main_thread("CommandRegistry::listen()");
  auto owner = std::make_shared<Listener>(Listener{std::move(listener), std::move(wants)});
  state_->listeners.add(owner);
  return owner;
}

}  // namespace qomio
