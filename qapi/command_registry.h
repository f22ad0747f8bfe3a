// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/command.h"

namespace qomio {

// What to do when a client uses something deprecated or unstable: to find out who still does.
enum class CompatInput { accept, reject, crash };
template <>
inline constexpr auto enum_description<CompatInput> =
    EnumDescription("CompatPolicyInput", "accept", EnumValue("reject", "as an error"),
                    EnumValue("crash", "abort the program"));

// Whether clients see it.
enum class CompatOutput { accept, hide };
template <>
inline constexpr auto enum_description<CompatOutput> =
    EnumDescription("CompatPolicyOutput", "accept", "hide");

// How the features `deprecated` and `unstable` of commands, events, members and values are treated. All else
// is accepted always.
struct CompatPolicy {
  CompatInput deprecated_input = CompatInput::accept;
  CompatOutput deprecated_output = CompatOutput::accept;
  CompatInput unstable_input = CompatInput::accept;
  CompatOutput unstable_output = CompatOutput::accept;
  static constexpr std::string_view type_name = "CompatPolicy";
  static constexpr auto members =
      member_list(member_with_default("deprecated-input", &CompatPolicy::deprecated_input),
                  member_with_default("deprecated-output", &CompatPolicy::deprecated_output),
                  member_with_default("unstable-input", &CompatPolicy::unstable_input),
                  member_with_default("unstable-output", &CompatPolicy::unstable_output));

  bool rejects_some() const;
  bool hides_some() const;
  // Is output with these features hidden?
  bool hides(const std::vector<std::string>& features) const;

  // May a client use something with these features? `what` is "command", "parameter" or "value". Errors:
  // `Deprecated parameter x disabled by policy`, for a command CommandNotFound.
  Result<void> check(std::string_view what, std::string_view name,
                     const std::vector<std::string>& features) const;
  // May it send these arguments? Looks at the members and values that the type knows; all other errors are
  // left to whoever reads the value.
  Result<void> check_input(const Json& value, const TypeDescription& type) const;
  // Takes out what is hidden.
  void filter_output(Json& value, const TypeDescription& type) const;
};

// An event that the program may send, for introspection.
struct Event {
  std::string name;         // in capitals: SHUTDOWN
  std::string description;  // one line
  std::function<const TypeDescription&()> data;
  std::vector<std::string> features = {};  // as of a command
  bool on_request = false;                 // sent only to clients that asked for it with subscribe-events
  std::shared_ptr<void> source = {};       // what sends it; lives as long as the event is offered
};

// An event whose data is the described struct T.
template <class T>
Event event(std::string_view name, std::string_view description) {
  return {std::string(name),
          std::string(description),
          []() -> const TypeDescription& { return describe<T>(); },
          {},
          false,
          {}};
}

// What a program offers over QMP: its commands and events. A program creates one, lets the libraries and
// its own code add to it, and gives it to a QmpServer:
//
//     CommandRegistry commands;
//     add_object_commands(commands);
//     QmpServer qmp(commands);
//
// It must outlive its servers. What its commands refer to must outlive it.
//
// Thread: the main thread (qapi/internal/main_thread.h), except what says "Thread-safe".
class CommandRegistry {
 public:
  CommandRegistry();
  // Drops events that other threads emitted and that have not been sent. No thread may be in emit().
  ~CommandRegistry();
  CommandRegistry(const CommandRegistry&) = delete;
  CommandRegistry& operator=(const CommandRegistry&) = delete;

  // Adding a name again replaces what was there, so that registering a library twice is harmless.
  void add(Command command);
  void add(Event event);
  void remove_command(std::string_view name);
  // What a program does not offer for a time, or for good, is not listed either. The name must have been
  // added; adding it again enables it.
  void enable_command(std::string_view name, bool enabled);

  // Null when there is none.
  const Command* find_command(std::string_view name) const;
  const std::map<std::string, Command, std::less<>>& commands() const;
  const std::map<std::string, Event, std::less<>>& events() const;

  // The command, if a client with that access may run it. Errors: CommandNotFound, `The command nope has not
  // been found`, `Command x has been disabled`, `The command quit is not allowed: access is read-only`,
  // `Deprecated command x disabled by policy`.
  Result<const Command*> allowed_command(std::string_view name, Access access) const;
  // Runs a command that has a `run`. Errors: the policy's and the command's own.
  Result<Json> run(const Command& command, const Json& arguments) const;
  // Runs a command; the answer may come later if it has a `start`.
  void start(const Command& command, const Json& arguments, Access access, const Reply& reply) const;
  // Runs a command that answers at once. Errors: those of allowed_command(), the command's own, and, of one
  // that would answer later, `The command x does not answer at once`; that one is cancelled.
  Result<Json> run(std::string_view name, const Json& arguments, Access access = Access::full) const;

  // Thread-safe. What is being done for a client at this moment, for who wonders what holds the thread up:
  // "command 'quit'", "a request of a QMP client". It stays valid; null: nothing. A command that answers
  // later runs as long as it is being started.
  const char* running() const { return running_.load(std::memory_order_acquire); }

  // Writes down what runs as long as it lives. `what` stays valid for ever.
  class Running {
   public:
    Running(const CommandRegistry& registry, const char* what);
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running();

   private:
    std::atomic<const char*>& place_;
    const char* const outside_;
  };

  // The program's own name and version, "storaged-1.4", for query-version and the greeting of servers.
  // "qomio-" and the library's version until it is set.
  void set_package(std::string_view name_and_version);
  const std::string& package() const;

  // How what is deprecated or unstable is treated from now on.
  void set_compat(const CompatPolicy& policy);
  const CompatPolicy& compat() const;

  // Thread-safe. In the main thread it has been sent when this returns. From another it is put into a queue,
  // in order, which the main thread sends when it comes round: a source of GLib's default context. The queue
  // has no bound. Sends an event to everyone who wants it, unless the policy hides it: `data` is an object,
  // empty for none; a number in it that is not finite is sent as null. The name must have been added. Where
  // there is no memory to tell somebody, that one isn't told: what has happened has happened.
  void emit(std::string_view name, const Json& data);
  template <class T>
    requires internal::Struct<T>
  void emit(std::string_view name, const T& data) {
    emit_written(
        name, [](Visitor& visitor, void* value) { (void)visit(visitor, {}, *static_cast<T*>(value)); },
        &data);
  }
  // Does somebody want it now? Asked by those who would have to collect the event's data. The name must have
  // been added.
  bool is_wanted(std::string_view event) const;

  using EventListener = std::function<void(std::string_view name, const Json& data)>;
  using EventFilter = std::function<bool(std::string_view name)>;
  // Calls `listener`, in the main thread, for each event that it wants, all without a filter, while the
  // returned value lives. Listeners may be added and removed during a call: a new one is first called for
  // the next event, a removed one is not called again.
  [[nodiscard]] std::shared_ptr<void> listen(EventListener listener, EventFilter wants = {});

 private:
  struct State;
  // The data is written if somebody wants the event.
  void emit_written(std::string_view name, void (*write)(Visitor& visitor, void* value), const void* value);

  mutable std::atomic<const char*> running_ = nullptr;
  std::unique_ptr<State> state_;
};

}  // namespace qomio
