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
#include "qomio/qapi/session.h"

namespace qomio {

// What to do when a client uses something deprecated or unstable. `reject` and `crash` help to find such
// clients.
enum class CompatInput { accept, reject, crash };
template <>
inline constexpr auto enum_description<CompatInput> =
    EnumDescription("CompatPolicyInput", value(CompatInput::accept, "accept"),
                    value(CompatInput::reject, "reject", "as an error"),
                    value(CompatInput::crash, "crash", "abort the program"));

// Whether clients see what is deprecated or unstable.
enum class CompatOutput { accept, hide };
template <>
inline constexpr auto enum_description<CompatOutput> = EnumDescription(
    "CompatPolicyOutput", value(CompatOutput::accept, "accept"), value(CompatOutput::hide, "hide"));

// How the features `deprecated` and `unstable` of commands, events, members and values are treated.
// Everything else is always accepted.
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
  // Returns true if output with these features is hidden.
  bool hides(const std::vector<std::string>& features) const;

  // Returns an error if clients may not use something with these features. `what` is "command", "parameter"
  // or "value". Errors: `Deprecated parameter x disabled by policy`, for a command CommandNotFound.
  Result<void> check(std::string_view what, std::string_view name,
                     const std::vector<std::string>& features) const;
  // Returns an error if clients may not send these arguments. Checks only members and values that the type
  // describes; other errors are left to the reader of the value.
  Result<void> check_input(const Json& value, const TypeDescription& type) const;
  // Removes hidden members.
  void filter_output(Json& value, const TypeDescription& type) const;
};

// An event that the program may send, for introspection.
struct Event {
  std::string name;         // in capitals: SHUTDOWN
  std::string description;  // one line
  std::function<const TypeDescription&()> data;
  std::vector<std::string> features = {};  // as in Command
  bool on_request = false;                 // sent only to clients that asked for it with subscribe-events
  // The sender, kept alive as long as the event is offered. It sends to one registry: do not add a copy of an
  // Event that has one to another.
  std::shared_ptr<void> source = {};
};

// An event without data.
Event event(std::string_view name, std::string_view description);

// An event whose data is the described struct T.
template <class T>
Event event(std::string_view name, std::string_view description) {
  static_assert(internal::Struct<T>,
                "the data of an event is a described struct; one without data is event(name, text)");
  Event made = event(name, description);
  made.data = []() -> const TypeDescription& { return describe<T>(); };
  return made;
}

// The commands and events that a program offers over QMP. A program creates one, lets the libraries and its
// own code add to it, and passes it to a QmpServer:
//
//     CommandRegistry commands;
//     add_object_commands(commands);
//     QmpServer qmp(commands);
//
// It must outlive its servers. Objects that its commands refer to must outlive it. Objects and threads that
// send events must be gone before it is destroyed: see ObjectsCleanup in object/tree.h.
//
// Thread: the main thread (qapi/internal/main_thread.h), except functions marked "Thread-safe".
class CommandRegistry {
 public:
  CommandRegistry();
  // Destroys the commands first, then the senders of the events. Drops events that other threads emitted and
  // that have not been sent yet. After that, no thread may be in emit().
  ~CommandRegistry();
  CommandRegistry(const CommandRegistry&) = delete;
  CommandRegistry& operator=(const CommandRegistry&) = delete;

  // Adding a name again replaces the earlier one, so registering a library twice is harmless.
  void add(Command command);
  void add(Event event);
  void remove_command(std::string_view name);
  // A disabled command cannot be called and is not listed. The name must have been added; adding it again
  // enables it.
  void enable_command(std::string_view name, bool enabled);

  // Returns null if there is none.
  const Command* find_command(std::string_view name) const;
  const std::map<std::string, Command, std::less<>>& commands() const;
  const std::map<std::string, Event, std::less<>>& events() const;

  // Returns the command if a client with this access may run it. Errors: CommandNotFound,
  // `The command nope has not been found`, `Command x has been disabled`,
  // `The command quit is not allowed: access is read-only`, `Deprecated command x disabled by policy`.
  Result<const Command*> allowed_command(std::string_view name, Access access) const;
  // Runs a command that has a `run`. Errors: those of the policy and of the command.
  Result<Json> run(const Command& command, const Json& arguments, Session& session) const;
  // Runs a command; the answer may come later if it has a `start`.
  void start(const Command& command, const Json& arguments, Session& session, const Reply& reply) const;
  // Runs a command that answers at once. Errors: those of allowed_command() and of the command. A command
  // that would answer later is cancelled: `The command x does not answer at once`.
  Result<Json> run(std::string_view name, const Json& arguments, Session& session) const;
  // The same in a session of its own, with full access and without a peer, which then closes.
  Result<Json> run(std::string_view name, const Json& arguments) const;

  // Opens a session for a client that is not a connection of a QmpServer: a test, or another way to control
  // the program. The registry must outlive it, and it must stay open during calls of run() and start().
  //
  //     const OpenSession ann = commands.open_session({.access = Access::read_only});
  //     auto answer = commands.run("login", {{"user", "ann"}, {"password", "plum"}}, *ann);
  OpenSession open_session(SessionOptions options = {}) const;

  // Thread-safe. Names the request that is being served, to show what blocks the main thread: "command
  // 'quit'", "a request of a QMP client"; null if there is none. The text is never freed. A command that
  // answers later counts only while it is being started.
  const char* running() const { return running_.load(std::memory_order_acquire); }

  // Sets running() to `what` for its lifetime. `what` must never be freed.
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

  // The program's own name and version, "storaged-1.4", for query-version and the greeting of servers. The
  // default is "qomio-" and the library's version.
  void set_package(std::string_view name_and_version);
  const std::string& package() const;

  // How deprecated and unstable features are treated from now on.
  void set_compat(const CompatPolicy& policy);
  const CompatPolicy& compat() const;

  // Sends an event to all listeners that want it, unless the policy hides it. `data` is an object, empty if
  // there is no data; a number in it that is not finite is sent as null. The name must have been added. A
  // listener does not receive the event if there is no memory for that.
  //
  // Thread-safe. In the main thread the event has been sent when emit() returns. Other threads append it to
  // an unbounded queue, which a source of GLib's default context sends in order in the main thread.
  void emit(std::string_view name, const Json& data);
  void emit(std::string_view name);  // without data
  template <class T>
    requires internal::Struct<T>
  void emit(std::string_view name, const T& data) {
    emit_written(name, internal::visit_value<T>, &data);
  }
  // Returns true if a listener wants the event now. Call it before collecting the event's data if that is
  // costly. The name must have been added.
  bool is_wanted(std::string_view event) const;

  using EventListener = std::function<void(std::string_view name, const Json& data)>;
  using EventFilter = std::function<bool(std::string_view name)>;
  // Calls `listener` in the main thread for each event that `wants` accepts, or for every event without a
  // filter, while the returned value lives. Listeners may be added and removed during a call: a new one is
  // first called for the next event, a removed one is not called again.
  [[nodiscard]] std::shared_ptr<void> listen(EventListener listener, EventFilter wants = {});

 private:
  friend class Session;
  struct State;
  // Sends the event to all listeners, or to one session. Calls `write` only if the event is wanted; in
  // threads other than the main thread, always.
  void emit_written(std::string_view name, internal::VisitValue write, const void* value,
                    Session* only = nullptr) const;

  mutable std::atomic<const char*> running_ = nullptr;
  std::unique_ptr<State> state_;
};

}  // namespace qomio
